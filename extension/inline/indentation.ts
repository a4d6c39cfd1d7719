/** Tells the server how the editor indents what is open: in a new file nothing else tells. */
import { Disposable, languages, type TextEditor, window } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { INDENTATION_METHOD, type IndentationParams } from '../../language-server/protocol.ts';
import { documentSelector } from '../document-selector.ts';

export interface Indentation extends Disposable {
  /** A server that was started again knows nothing of what was said before. */
  tellAgain(): void;
}

export function createIndentation(client: Promise<LanguageClient>): Indentation {
  async function tell(editor: TextEditor | undefined): Promise<void> {
    const running = await client;
    if (!editor || !running.isRunning() || languages.match(documentSelector, editor.document) === 0) return;
    const { insertSpaces, tabSize } = editor.options;
    if (typeof insertSpaces !== 'boolean' || typeof tabSize !== 'number') return;
    const textDocument = { uri: editor.document.uri.toString() };
    const params: IndentationParams = { textDocument, unit: insertSpaces ? ' '.repeat(tabSize) : '\t' };
    await running.sendNotification(INDENTATION_METHOD, params);
  }
  const tellQuietly = (editor: TextEditor | undefined) => void tell(editor).catch(() => undefined);
  const events = Disposable.from(
    window.onDidChangeActiveTextEditor(tellQuietly),
    window.onDidChangeTextEditorOptions(({ textEditor }) => tellQuietly(textEditor)),
  );
  return {
    tellAgain: () => tellQuietly(window.activeTextEditor),
    dispose: () => events.dispose(),
  };
}
