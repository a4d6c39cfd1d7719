/** What of the workspace goes along with a question: what the user mentions, as text with a name. */
import {
  commands,
  type Diagnostic,
  DiagnosticSeverity,
  type DocumentSymbol,
  extensions,
  l10n,
  languages,
  Range,
  type Selection,
  type SymbolInformation,
  TabInputText,
  type TextDocument,
  type TextEditor,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { Attachment } from './budget.ts';
import { editorInUse } from './editor-in-use.ts';
import type { Mention } from './prompt.ts';

/** Lines on either side of the cursor, where nothing is selected and no symbol surrounds it. */
const SURROUNDING_LINES = 20;
/** No model reads more, and none is read in vain. */
const MOST_CHARACTERS = 400_000;

/** Throws an error in words where something that is mentioned is not there. */
export async function attachmentsOf(mentions: readonly Mention[]): Promise<Attachment[]> {
  const all = await Promise.all(mentions.map(attachmentsFor));
  const seen = new Set<string>();
  return all.flat().filter(({ name }) => !seen.has(name) && seen.add(name));
}

async function attachmentsFor({ kind, argument }: Mention): Promise<Attachment[]> {
  switch (kind) {
    case 'file':
      return [whole(argument === '' ? editor().document : await fileNamed(argument))];
    case 'selection':
      return [await selected(editor())];
    case 'symbol':
      return [argument === '' ? await selected(editor(), true) : await symbolNamed(argument)];
    case 'problems':
      return problemsIn(editor().document);
    case 'open':
      return (await openDocuments()).map(whole);
  }
}

function editor(): TextEditor {
  const found = editorInUse();
  if (found) return found;
  throw new Error(l10n.t('No text editor is open, so there is nothing to look at. Open a file and ask again.'));
}

function whole(document: TextDocument): Attachment {
  return attachment(document, undefined);
}

function attachment(document: TextDocument, range: Range | undefined): Attachment {
  const path = workspace.asRelativePath(document.uri, false);
  const lines = range ? `:${range.start.line + 1}-${range.end.line + 1}` : '';
  const text = document.getText(range).slice(0, MOST_CHARACTERS);
  return { name: `${path}${lines}`, language: document.languageId, text };
}

/** The selection, else the function or class around the cursor, else the lines around it. */
async function selected({ document, selection }: TextEditor, bySymbol = false): Promise<Attachment> {
  if (!bySymbol && !selection.isEmpty) return attachment(document, wholeLines(document, selection));
  const symbol = await symbolAround(document, selection);
  if (symbol) return attachment(document, wholeLines(document, symbol.range));
  const { line } = selection.active;
  const last = Math.min(document.lineCount - 1, line + SURROUNDING_LINES);
  return attachment(document, new Range(Math.max(0, line - SURROUNDING_LINES), 0, last, Number.MAX_SAFE_INTEGER));
}

function wholeLines(document: TextDocument, { start, end }: Range): Range {
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return new Range(start.line, 0, last, document.lineAt(last).text.length);
}

/** The innermost that holds the selection and is more than a line. */
export async function symbolAround(document: TextDocument, selection: Selection): Promise<DocumentSymbol | undefined> {
  let found: DocumentSymbol | undefined;
  const visit = (symbols: readonly DocumentSymbol[]): void => {
    for (const symbol of symbols) {
      if (!symbol.range?.contains(selection)) continue;
      if (!symbol.range.isSingleLine) found = symbol;
      visit(symbol.children);
    }
  };
  visit(await symbolsIn(document));
  return found;
}

async function symbolsIn({ uri }: TextDocument): Promise<DocumentSymbol[]> {
  const symbols = await commands.executeCommand<DocumentSymbol[] | undefined>(
    'vscode.executeDocumentSymbolProvider',
    uri,
  );
  return symbols ?? [];
}

async function symbolNamed(name: string): Promise<Attachment> {
  const found = await commands.executeCommand<SymbolInformation[] | undefined>(
    'vscode.executeWorkspaceSymbolProvider',
    name,
  );
  const symbol = found?.find((each) => each.name.replace(/\(.*$/, '') === name) ?? found?.[0];
  if (!symbol) throw new Error(l10n.t('No symbol is named {0}. Check how it is written.', name));
  const { uri, range } = symbol.location;
  return attachment(await workspace.openTextDocument(uri), range.isSingleLine ? undefined : range);
}

async function fileNamed(path: string): Promise<TextDocument> {
  for (const { uri } of workspace.workspaceFolders ?? []) {
    try {
      return await workspace.openTextDocument(Uri.joinPath(uri, path));
    } catch {
      // Another folder of the workspace may have it.
    }
  }
  throw new Error(l10n.t('There is no text file {0} in the workspace. Check its path.', path));
}

function problemsIn(document: TextDocument): Attachment[] {
  const problems = languages
    .getDiagnostics(document.uri)
    .filter(({ severity }) => severity === DiagnosticSeverity.Error || severity === DiagnosticSeverity.Warning);
  if (problems.length === 0) return [];
  const path = workspace.asRelativePath(document.uri, false);
  return [{ name: l10n.t('Problems in {0}', path), language: '', text: problems.map(lineOf).join('\n') }];
}

function lineOf({ range, severity, message }: Diagnostic): string {
  return `${range.start.line + 1}: ${severity === DiagnosticSeverity.Error ? 'error' : 'warning'}: ${message}`;
}

async function openDocuments(): Promise<TextDocument[]> {
  const inputs = window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ input }) => input));
  const uris = new Map(inputs.flatMap((input) => (input instanceof TabInputText ? [[`${input.uri}`, input.uri]] : [])));
  return Promise.all([...uris.values()].map((uri) => workspace.openTextDocument(uri)));
}

/** Of git's extension, as far as it is used here. */
interface Repository {
  diff(cached?: boolean): Promise<string>;
}
interface GitExtension {
  getAPI(version: 1): { repositories: Repository[] };
}

/** What is staged, else what is changed. */
export async function changesToCommit(): Promise<Attachment> {
  const git = extensions.getExtension<GitExtension>('vscode.git');
  const repository = (await git?.activate())?.getAPI(1).repositories[0];
  if (!repository) throw new Error(l10n.t('No git repository is open in this window.'));
  const staged = await repository.diff(true);
  const text = staged === '' ? await repository.diff() : staged;
  if (text === '') throw new Error(l10n.t('Nothing is changed, so there is nothing to commit.'));
  return { name: l10n.t('Changes'), language: 'diff', text: text.slice(0, MOST_CHARACTERS) };
}
