/** The language server's own npm package: installed into an empty folder, started by its command, spoken to. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import { SERVER_PACKAGE, writeServerPackage } from '../../packaging/server-package.ts';
import { tellTale } from './tell-tale.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-npm-'));
const installed = join(folder, 'node_modules', SERVER_PACKAGE);
/** Without a network, and without a word of npm's own. */
const offline = { npm_config_offline: 'true', npm_config_update_notifier: 'false', npm_config_loglevel: 'silent' };

beforeAll(() => {
  // The bundles are what `npm run build` made.
  const { path } = writeServerPackage(process.cwd(), { os: process.platform, cpu: process.arch }, folder);
  // Installed as a user does, but for onnxruntime, which is optional and large.
  const options = ['--offline', '--omit=optional', '--no-audit', '--no-fund', '--engine-strict', path];
  const { status, stderr } = spawnSync('npm', ['install', `--prefix=${folder}`, ...options], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([status, stderr.includes('npm error')]).toEqual([0, false]);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('holds the server, its model and the addon, and nothing of the editor', () => {
  const files = readdirSync(installed, { recursive: true }).map(String);
  expect(files.filter((name) => name.includes('.') && !name.startsWith('engine')).sort()).toEqual([
    ...[
      'README.md',
      'dist/cloze.mjs',
      'dist/onnx-host.mjs',
      'dist/server.cjs',
      'dist/system-information.cjs',
      'native/build/Release/cloze.node',
      'package.json',
    ],
  ]);
  expect(files).toContain('LICENSE');
  expect(files).toContain('engine/embedded-model/model.safetensors');
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([SERVER_PACKAGE]);
});

it('says how it is used', () => {
  const run = (...args: string[]) =>
    spawnSync('npx', [SERVER_PACKAGE, ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, ...offline } });
  const asked = run('--help');
  expect([asked.status, asked.stdout.split('\n')[0]]).toEqual([0, 'Usage: cloze-language-server --stdio']);
  expect(run()).toMatchObject({ status: 2, stdout: '' });
});

it('completes over standard input and output, with what it brings and without a connection', async () => {
  const tale = tellTale(folder);
  const env = { ...process.env, ...offline, ...tale.env };
  const server = spawn('npx', [SERVER_PACKAGE, '--stdio'], { cwd: folder, env });
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
  // npx itself, which runs before, is not Cloze.
  expect(tale.opened().filter(({ program }) => !program.endsWith('npx'))).toEqual([]);
  connection.dispose();
});
