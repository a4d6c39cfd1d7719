/**
 * The offline lock in the installed package: every connection is told of that the language server opens, and the program
 * that runs the extension (with others beside it), with the lock on and off. Nothing is on the PATH.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ChatServer, startChatServer } from '../server/chat-server.ts';
import { type Opened, tellTale } from '../server/tell-tale.ts';
import { framedPage, ghostText, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;
let server: ChatServer;
let tale: ReturnType<typeof tellTale>;
let chat: Frame;

beforeAll(async () => {
  server = await startChatServer(() => ['An answer from elsewhere.']);
  const env = (folder: string) => {
    tale = tellTale(folder);
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    return { ...tale.file, PATH: empty };
  };
  // VS Code hands no NODE_OPTIONS on to what it starts.
  const installed = (extension: string) => {
    for (const script of ['dist/extension.cjs', 'dist/server.cjs']) tale.listenIn(join(extension, script));
  };
  workbench = await openWorkbench(process.cwd(), { 'cloze.chat.server': server.url }, { env, installed });
  workbench.page.setDefaultTimeout(150_000);
});
afterAll(async () => {
  await workbench?.dispose();
  server?.dispose();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/offline-failed.png');
});

/** Opened by the language server. */
const byServer = (): Opened[] => tale.opened().filter(({ program }) => program.includes('server.cjs'));

test('ghost text comes without a connection', async () => {
  const { page } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, 10, 100);
  await page.keyboard.press('Enter');
  const began = performance.now();
  await page.keyboard.type('const items = ', { delay: 60 });
  expect((await ghostText(page)).trim()).not.toBe('');
  console.log(`cloze: ghost text ${Math.round(performance.now() - began)} ms after the first of 14 keystrokes`);
  expect(await page.locator('.notification-toast, .monaco-dialog-box').count()).toBe(0);
  // Both are listened to.
  expect(tale.programs().some((program) => program.includes('dist/server.cjs'))).toBe(true);
  expect(tale.programs().some((program) => program.includes('bootstrap-fork'))).toBe(true);
  expect(tale.opened()).toEqual([]);
});

test('a server that is named is not asked while the lock is on', async () => {
  const { page } = workbench;
  await page.keyboard.press('Escape');
  await runCommand(page, 'Cloze: Open Chat');
  chat = await framedPage(page, 'chat');
  await chat.getByRole('button', { name: 'Choose the model: cursor' }).waitFor();
  await screenshot(page, 'test/output/offline-chat.png');
  await chat.getByRole('button', { name: 'Choose the model' }).click();
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Fills blanks' }).waitFor();
  await screenshot(page, 'test/output/offline-models.png');
  await page.keyboard.press('Escape');
  expect(tale.opened()).toEqual([]);
});

test('the same server is asked once the user opens the lock, and no other; then never again', async () => {
  const { page } = workbench;
  await runCommand(page, 'Cloze: Connect a Server for the Chat');
  for (const title of ['Connect a Server', 'Key of']) {
    await page.locator('.quick-input-title', { hasText: title }).waitFor();
    await page.keyboard.press('Enter');
  }
  await page.getByRole('button', { name: 'Allow Connections' }).click();
  await chat.getByRole('button', { name: 'Choose the model: glm-test' }).waitFor();
  await chat.getByRole('combobox', { name: 'Message' }).fill('Hello?');
  await chat.getByRole('combobox', { name: 'Message' }).press('Enter');
  await chat.getByText('An answer from elsewhere.').waitFor();
  expect(byServer().length).toBeGreaterThan(0);
  expect(new Set(tale.opened().map(({ to }) => to))).toEqual(new Set([new URL(server.url).host]));

  await runCommand(page, 'Preferences: Open Settings (UI)');
  await page.locator('.settings-editor .suggest-input-container').click();
  await page.keyboard.type('cloze.offline');
  await page.getByRole('checkbox', { name: 'cloze.offline' }).click();
  await chat.getByRole('button', { name: 'Choose the model: cursor' }).waitFor();
  const opened = tale.opened().length;
  await chat.getByRole('combobox', { name: 'Message' }).fill('Again?');
  await chat.getByRole('combobox', { name: 'Message' }).press('Enter');
  await chat.getByText('was not trained to converse').last().waitFor();
  await screenshot(page, 'test/output/offline-again.png');
  expect(tale.opened()).toHaveLength(opened);
  expect(server.asked).toHaveLength(1);
});
