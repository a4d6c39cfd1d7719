/**
 * Where names near the cursor are declared, asked of the editor's own language services once typing pauses, so that the
 * model reads what it is about to use. Nothing waits for it; what lies outside the workspace, such as libraries, is left out.
 */
import {
  commands,
  Disposable,
  type Location,
  type LocationLink,
  languages,
  type Position,
  type Range,
  type TextDocument,
  type Uri,
  window,
  workspace,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  DECLARATIONS_METHOD,
  type DeclarationsParams,
  LONGEST_DECLARATION,
  MOST_DECLARATIONS,
} from '../../language-server/protocol.ts';
import { documentSelector } from '../document-selector.ts';
import { namesBefore } from './names.ts';

/** Milliseconds without typing. */
const PAUSE = 250;
/** What is declared nearer to the cursor than so many lines is read anyway. */
const NEAR = 40;
/** Of a declaration whose end is not known. */
const LINES = 12;
const LARGEST_FILE = 500_000;

type Declaration = DeclarationsParams['declarations'][number];

export function createDeclarations(client: Promise<LanguageClient>): Disposable {
  /** By name; of one document, until another one changes. */
  let known: { uri: string; byName: Map<string, Declaration | undefined> } = { uri: '', byName: new Map() };
  let told = '';
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const editor = window.activeTextEditor;
    const running = await client;
    if (!editor || !running.isRunning() || !workspace.getConfiguration('cloze', editor.document).get('enable', true))
      return;
    const { document, selection } = editor;
    const uri = document.uri.toString();
    const { version } = document;
    if (known.uri !== uri) known = { uri, byName: new Map() };
    const { byName } = known;
    const found: Declaration[] = [];
    for (const { name, position } of namesBefore(document, selection.active)) {
      if (!byName.has(name)) byName.set(name, await declarationOf(document, position));
      // More was typed meanwhile: what is known stays known.
      if (document.version !== version || window.activeTextEditor !== editor) return;
      const declaration = byName.get(name);
      if (declaration && !found.some(({ text }) => text === declaration.text)) found.push(declaration);
      if (found.length === MOST_DECLARATIONS) break;
    }
    const params: DeclarationsParams = { textDocument: { uri }, declarations: found };
    const saying = JSON.stringify(params);
    if (saying === told) return;
    told = saying;
    await running.sendNotification(DECLARATIONS_METHOD, params);
  }

  const changes = workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length === 0 || languages.match(documentSelector, document) === 0) return;
    if (document.uri.toString() !== known.uri) known.byName.clear();
    if (document !== window.activeTextEditor?.document) return;
    clearTimeout(timer);
    timer = setTimeout(() => void look().catch(() => undefined), PAUSE);
  });
  return Disposable.from(changes, { dispose: () => clearTimeout(timer) });
}

async function declarationOf(document: TextDocument, position: Position): Promise<Declaration | undefined> {
  const places =
    (await commands.executeCommand<(Location | LocationLink)[]>(
      'vscode.executeDefinitionProvider',
      document.uri,
      position,
    )) ?? [];
  for (const place of places) {
    const uri = 'targetUri' in place ? place.targetUri : place.uri;
    const range = 'targetUri' in place ? place.targetRange : place.range;
    const here = uri.toString() === document.uri.toString();
    if (here && Math.abs(range.start.line - position.line) < NEAR) continue;
    if (!here && (!workspace.getWorkspaceFolder(uri) || uri.path.includes('/node_modules/'))) continue;
    const text = textAt(await linesOf(uri), range);
    if (text !== '') return { uri: uri.toString(), text };
  }
  return undefined;
}

/** Of an open document, or of a file, which is not opened for it. */
async function linesOf(uri: Uri): Promise<string[]> {
  const open = workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open) return open.getText().split(/\r\n?|\n/);
  const { size } = await workspace.fs.stat(uri);
  if (size > LARGEST_FILE) return [];
  return new TextDecoder().decode(await workspace.fs.readFile(uri)).split(/\r\n?|\n/);
}

function textAt(lines: readonly string[], { start, end }: Range): string {
  const last = end.line > start.line ? end.line : start.line + LINES;
  return lines
    .slice(start.line, last + 1)
    .join('\n')
    .slice(0, LONGEST_DECLARATION)
    .trimEnd();
}
