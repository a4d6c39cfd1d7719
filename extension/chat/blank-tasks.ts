/**
 * What a model that fills blanks can do of the chat's commands: each becomes a blank in the user's file, filled and
 * looked at as Fill Selection does it. For all else it says what the model is and how to get another.
 */
import { commands, l10n, languages, Position, Selection, SymbolKind, type TextEditor, window } from 'vscode';
import { symbolAround } from './context.ts';
import { editorInUse } from './editor-in-use.ts';
import type { CommandName, Prompt } from './prompt.ts';

/** The commands that such a model can follow. */
export const BLANK_COMMANDS: readonly CommandName[] = ['doc', 'name', 'fix'];

/** Returns what is said to the user, as Markdown. Rejects in words. */
export async function runAsBlank({ command }: Prompt, model: string): Promise<string> {
  const editor = editorInUse();
  if (command === undefined || !BLANK_COMMANDS.includes(command)) return notConversing(model);
  if (!editor)
    throw new Error(l10n.t('No text editor is open. Open a file, put the cursor where it matters, ask again.'));
  switch (command) {
    case 'doc':
      return document(editor);
    case 'name':
      return name(editor);
    default:
      return fix(editor);
  }
}

function notConversing(model: string): string {
  return [
    l10n.t('**{0}** fills blanks in code and was not trained to converse, so it cannot answer this.', model),
    l10n.t('What it can do here: `/doc`, `/name` and `/fix` at the cursor of the active editor.'),
    l10n.t(
      'For questions, click the name of the model below: connect an OpenAI-compatible server, or choose the folder of a model that converses.',
    ),
  ].join('\n\n');
}

/** A documentation comment in the form of the language, empty, with the cursor inside. */
async function document(editor: TextEditor): Promise<string> {
  const symbol = await symbolAround(editor.document, editor.selection);
  const { languageId } = editor.document;
  if (languageId !== 'python' && !BLOCK_COMMENTS.includes(languageId)) {
    throw new Error(
      l10n.t('How {0} documents its code is not known here. Use Fill Selection in a comment.', languageId),
    );
  }
  const named = symbol ? symbol.selectionRange.start.line : editor.selection.active.line;
  const indentation = /^\s*/.exec(editor.document.lineAt(named).text)?.[0] ?? '';
  const inside = languageId === 'python' && symbol !== undefined && symbol.kind !== SymbolKind.Variable;
  const at = inside ? signatureEnd(editor, named) + 1 : named;
  const open = languageId === 'python' ? '"""' : '/** ';
  const close = languageId === 'python' ? '"""' : ' */';
  const before = `${indentation}${inside ? '    ' : ''}${open}`;
  const inserted = await editor.edit((builder) => builder.insert(new Position(at, 0), `${before}${close}\n`));
  if (!inserted) throw readOnly();
  const cursor = new Position(at, before.length);
  if (await fillAt(editor, new Selection(cursor, cursor))) {
    return l10n.t('The comment at line {0} is a blank that the model filled. {1}', at + 1, decide());
  }
  // An empty comment is of no use to anybody.
  await commands.executeCommand('undo');
  return l10n.t('The model had nothing to say there.');
}

/** Languages with documentation between slash and star. */
const BLOCK_COMMENTS = [
  ...['typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'java', 'c', 'cpp', 'csharp', 'php', 'kotlin'],
  ...['swift', 'scala', 'dart', 'go', 'rust', 'css', 'scss', 'less', 'groovy'],
];

/** The line on which a Python signature ends, which may run over several. */
function signatureEnd({ document }: TextEditor, from: number): number {
  for (let line = from; line < document.lineCount; line++) {
    if (/:\s*(?:#.*)?$/.test(document.lineAt(line).text)) return line;
  }
  return from;
}

async function name(editor: TextEditor): Promise<string> {
  const range = editor.document.getWordRangeAtPosition(editor.selection.active);
  if (!range) throw new Error(l10n.t('The cursor is at no name. Put it into one and ask again.'));
  const old = editor.document.getText(range);
  if (!(await fillAt(editor, new Selection(range.start, range.end)))) return nothingElse();
  return l10n.t(
    'The name `{0}` at line {1} is a blank that the model filled, here only. {2} Rename Symbol (F2) then carries it to the other places.',
    old,
    range.start.line + 1,
    decide(),
  );
}

/** The selection, else the lines of the problem nearest to the cursor. */
async function fix(editor: TextEditor): Promise<string> {
  const { document, selection } = editor;
  let wanted = selection;
  if (selection.isEmpty) {
    const distance = (line: number) => Math.abs(line - selection.active.line);
    const [nearest] = languages
      .getDiagnostics(document.uri)
      .toSorted((a, b) => distance(a.range.start.line) - distance(b.range.start.line));
    if (!nearest) throw new Error(l10n.t('Nothing is selected, and the editor knows of no problem in this file.'));
    const { start, end } = nearest.range;
    wanted = new Selection(start.line, 0, end.line, document.lineAt(end.line).text.length);
  }
  if (!(await fillAt(editor, wanted))) return nothingElse();
  return l10n.t(
    'Line {0} is a blank that the model filled anew from what surrounds it. {1}',
    wanted.start.line + 1,
    decide(),
  );
}

/** Whether the model put something there. */
async function fillAt(editor: TextEditor, selection: Selection): Promise<boolean> {
  await window.showTextDocument(editor.document, { viewColumn: editor.viewColumn ?? 1 });
  editor.selection = selection;
  const { version } = editor.document;
  await commands.executeCommand('cloze.fillSelection');
  return editor.document.version !== version;
}

function decide(): string {
  return l10n.t('Keep it with Alt+Enter, reject it with Escape.');
}

function nothingElse(): string {
  return l10n.t('The model had nothing else to put there.');
}

function readOnly(): Error {
  return new Error(l10n.t('The text could not be changed: it is read-only, or it changed meanwhile.'));
}
