/** What the model reads beside the document itself: other cells of a notebook, and declarations that the editor found. */
import { afterEach, expect, it } from 'vitest';
import { NotebookCellKind } from 'vscode-languageserver-protocol/node';
import { DECLARATIONS_METHOD, FILL_METHOD } from '../../language-server/protocol.ts';
import { type Client, startClient } from './client.ts';

const clients: Client[] = [];
async function start(): Promise<Client> {
  const client = await startClient({ script: { span: 'seen()' } });
  clients.push(client);
  await client.status('ready');
  return client;
}
afterEach(() => {
  for (const { process } of clients.splice(0)) process.kill('SIGKILL');
});

const uri = 'file:///project/notes.ipynb';
const cellUri = (id: string) => `vscode-notebook-cell:/project/notes.ipynb#${id}`;

type Cell = [id: string, languageId: string, text: string];
const CELLS: Cell[] = [
  ['a', 'python', 'import math\nradius = 2\n'],
  ['b', 'markdown', '# The area\nof a circle'],
  ['c', 'python', 'area = '],
  ['d', 'javascript', 'no_python()'],
  ['e', 'python', 'print(area)'],
];

async function openNotebook({ connection }: Client): Promise<void> {
  await connection.sendNotification('notebookDocument/didOpen', {
    notebookDocument: {
      uri,
      notebookType: 'jupyter-notebook',
      version: 1,
      cells: CELLS.map(([id, languageId]) => ({
        kind: languageId === 'markdown' ? NotebookCellKind.Markup : NotebookCellKind.Code,
        document: cellUri(id),
      })),
    },
    cellTextDocuments: CELLS.map(([id, languageId, text]) => ({ uri: cellUri(id), languageId, version: 1, text })),
  });
}

it('the cells above and below a cell are read as one text, prose as comments', async () => {
  const client = await start();
  await openNotebook(client);
  const [item] = await client.complete(cellUri('c'), 0, 7);
  expect(item).toMatchObject({ insertText: 'seen()', range: { start: { line: 0, character: 7 } } });
  const passage = (await client.calls()).fills.at(-1)?.passage;
  expect(passage?.before).toBe('import math\nradius = 2\n\n# # The area\n# of a circle\n\narea =');
  expect(passage?.after).toBe('\n\nprint(area)');
  expect(passage?.neighbours).toEqual([]);
});

it('a blank in a cell is filled around what the other cells say', async () => {
  const client = await start();
  await openNotebook(client);
  const at = { line: 0, character: 7 };
  await client.connection.sendRequest(FILL_METHOD, {
    textDocument: { uri: cellUri('c'), version: 1 },
    blanks: [{ range: { start: at, end: at } }],
  });
  const [before, after] = (await client.calls()).asked.at(-1)?.passage.texts ?? [];
  expect(before).toMatch(/^import math\n/);
  expect(after).toBe('\n\nprint(area)');
});

it('what is changed in a cell, and a cell that is moved, is read as it is now', async () => {
  const client = await start();
  await openNotebook(client);
  const changed = (cells: object) =>
    client.connection.sendNotification('notebookDocument/didChange', {
      notebookDocument: { uri, version: 2 },
      change: { cells },
    });
  const start0 = { line: 1, character: 0 };
  const edit = { range: { start: start0, end: { line: 1, character: 10 } }, text: 'r = 3' };
  await changed({ textContent: [{ document: { uri: cellUri('a'), version: 2 }, changes: [edit] }] });
  await changed({ structure: { array: { start: 1, deleteCount: 1 } } });
  await client.complete(cellUri('c'), 0, 7);
  expect((await client.calls()).fills.at(-1)?.passage.before).toBe('import math\nr = 3\n\narea =');
});

it('declarations that the editor found are read; nonsense is not', async () => {
  const client = await start();
  const document = await client.open('const first = total(');
  const tell = (declarations: unknown) =>
    client.connection.sendNotification(DECLARATIONS_METHOD, { textDocument: { uri: document }, declarations });
  await tell([
    { uri: 'file:///project/sums.ts', text: 'export function total(items: Item[]): number' },
    { uri: 'file:///project/long.ts', text: `first line\n${'x'.repeat(1000)}` },
    { uri: 3, text: 'no address' },
    null,
  ]);
  await client.complete(document, 0, 20);
  const neighbours = (await client.calls()).fills.at(-1)?.passage.neighbours;
  expect(neighbours?.map(({ path, text }) => [path, text])).toEqual([
    ['sums.ts', 'export function total(items: Item[]): number'],
    ['long.ts', 'first line'],
  ]);
  await tell('nothing');
  await tell([]);
  await client.connection.sendNotification(DECLARATIONS_METHOD, null);
  await client.complete(document, 0, 20);
  expect((await client.calls()).fills.at(-1)?.passage.neighbours).toEqual(neighbours);
});
