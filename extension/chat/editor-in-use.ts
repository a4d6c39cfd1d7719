/** The text editor that a question or a block of code is about. */
import { type TextEditor, window } from 'vscode';

/** The active one, else one in sight: while a page such as the Lens is active, its file usually stands beside it. */
export function editorInUse(): TextEditor | undefined {
  // Only editors in a column; the output panel counts as visible too.
  return window.activeTextEditor ?? window.visibleTextEditors.find(({ viewColumn }) => viewColumn !== undefined);
}
