/** What can be done with a block of code in an answer. It comes from a model: it is put in as text, and never run. */
import {
  commands,
  env,
  l10n,
  languages,
  Range,
  Selection,
  type TextDocument,
  type TextEditor,
  TextEditorRevealType,
  window,
  workspace,
} from 'vscode';
import type { CodeAction } from '../../media/chat/messages.ts';
import { compileHoles, findHoles } from '../fill/holes.ts';
import { placeOfCode, textInPlace } from './code-place.ts';
import { editorInUse } from './editor-in-use.ts';
import type { Proposals } from './proposals.ts';

export async function actOnCode(action: CodeAction, code: string, language: string, proposals: Proposals) {
  switch (action) {
    case 'copy':
      await env.clipboard.writeText(code);
      return;
    case 'insert':
      await insert(await editorFor(language), code);
      return;
    case 'apply': {
      const editor = await editorFor(language);
      const { document } = editor;
      const place = placeOfCode(document.getText(), code, offsetsOf(editor));
      return proposals.show(document, place);
    }
    case 'fill':
      return fill(code, language);
  }
}

/** Holes in the code become blanks, which the local model fills where the code is put in. */
async function fill(code: string, language: string): Promise<void> {
  const { patterns } = compileHoles(workspace.getConfiguration('cloze.fill').get<unknown[]>('holes', []));
  if (findHoles(code, patterns).length === 0) {
    void window.showInformationMessage(
      l10n.t('This code has no holes. Holes are … or ___ or a TODO comment; cloze.fill.holes says which.'),
    );
    return;
  }
  const editor = await editorFor(language);
  const inserted = await insert(editor, code);
  if (!inserted) return;
  editor.selection = new Selection(inserted.start, inserted.end);
  await commands.executeCommand('cloze.fillSelection');
}

/** The editor in use, else a new one. */
async function editorFor(language: string): Promise<TextEditor> {
  const found = editorInUse();
  if (found) return found;
  const known = await languages.getLanguages();
  const document = await workspace.openTextDocument(known.includes(language) ? { language } : {});
  return window.showTextDocument(document);
}

function offsetsOf({ document, selection }: TextEditor): { start: number; end: number } {
  return { start: document.offsetAt(selection.start), end: document.offsetAt(selection.end) };
}

/** In place of the selection, as one undo step; returns where it stands now. */
async function insert(editor: TextEditor, code: string): Promise<Range | undefined> {
  const { document } = editor;
  const selection = offsetsOf(editor);
  const text = textInPlace(document.getText(), code, selection);
  if (!(await editor.edit((builder) => builder.replace(editor.selection, text)))) {
    void window.showWarningMessage(
      l10n.t('The code could not be put in: the file is read-only, or changed meanwhile.'),
    );
    return undefined;
  }
  await window.showTextDocument(document, { viewColumn: editor.viewColumn ?? 1 });
  const inserted = new Range(document.positionAt(selection.start), endOf(document, selection.start, text.trimEnd()));
  editor.revealRange(inserted, TextEditorRevealType.InCenterIfOutsideViewport);
  return inserted;
}

/** The document may have other line ends than the code. */
function endOf(document: TextDocument, start: number, text: string) {
  const from = document.positionAt(start);
  const lines = text.split('\n');
  const last = lines.at(-1)?.length ?? 0;
  return from.translate(lines.length - 1).with({ character: lines.length === 1 ? from.character + last : last });
}
