/** The language server as the npm package brings it: packed, unpacked elsewhere, started by its command. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';

/** Before anything else in the server's process: every way out of it that Node has is told of on standard error. */
const TELL_TALE = `
  for (const [of, names] of [
    [require('node:net').Socket.prototype, ['connect']],
    [require('node:dgram').Socket.prototype, ['bind', 'connect', 'send']],
    [require('node:dns'), ['lookup', 'resolve']],
  ])
    for (const name of names) {
      const real = of[name];
      of[name] = function (...given) { process.stderr.write('opened ' + name); return real.apply(this, given); };
    }`;

const folder = mkdtempSync(join(tmpdir(), 'cloze-npm-'));
const unpacked = join(folder, 'package');
const command = () => {
  const { bin } = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  return join(unpacked, bin['cloze-language-server'] ?? '');
};

beforeAll(() => {
  // The bundles are what `npm run build` made.
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', `--pack-destination=${folder}`], { encoding: 'utf8' });
  expect(packed.stderr).not.toContain('npm error');
  const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  expect(spawnSync('tar', ['-xzf', archive], { cwd: folder }).status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('holds neither sources nor tests', () => {
  const files = readdirSync(unpacked, { recursive: true }).map(String);
  expect(files).toContain('dist/server.cjs');
  expect(files.filter((name) => /\.(ts|cc|h|map)$/.test(name) || name.startsWith('test'))).toEqual([]);
  expect(existsSync(join(unpacked, 'node_modules'))).toBe(false);
});

it('says how it is used', () => {
  const asked = spawnSync(process.execPath, [command(), '--help'], { encoding: 'utf8' });
  expect([asked.status, asked.stdout.split('\n')[0]]).toEqual([0, 'Usage: cloze-language-server --stdio']);
  expect(spawnSync(process.execPath, [command()], { encoding: 'utf8' })).toMatchObject({ status: 2, stdout: '' });
});

it('completes over standard input and output, with what it brings and without a connection', async () => {
  const tellTale = join(folder, 'tell-tale.cjs');
  writeFileSync(tellTale, TELL_TALE);
  const server = spawn(process.execPath, ['--require', tellTale, command(), '--stdio'], { cwd: folder });
  let said = '';
  server.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  connection.listen();
  const uri = 'file:///sum.ts';
  const initializationOptions = { completion: { timeLimit: 0 } };
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions,
  });
  await connection.sendNotification('initialized', {});
  const text =
    'export function sum(values: number[]): number {\n  let total = 0;\n  for (const value of \n  return total;\n}\n';
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'typescript', version: 1, text },
  });
  const items = await connection.sendRequest('textDocument/inlineCompletion', {
    textDocument: { uri },
    position: { line: 2, character: 22 },
    context: { triggerKind: 1 },
  });
  expect((items as unknown[])[0]).toMatchObject({ insertText: expect.stringMatching(/\S/) });
  await connection.sendRequest('shutdown');
  const exited = once(server, 'exit');
  await connection.sendNotification('exit');
  expect(await exited).toEqual([0, null]);
  expect(said).toBe('');
  connection.dispose();
});
