/**
 * The offline lock in the installed package: every connection that VS Code's programs open is told of, with the lock on and
 * off. Nothing but VS Code is on the PATH.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
    return { ...tale.env, PATH: empty };
  };
  workbench = await openWorkbench(process.cwd(), { 'cloze.chat.server': server.url }, { env });
  workbench.page.setDefaultTimeout(150_000);
});
afterAll(async () => {
  await workbench?.dispose();
  server?.dispose();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/offline-failed.png');
});

/** What Cloze opened: its language server, and the program that runs it and other extensions. */
const byCloze = (): Opened[] => tale.opened().filter(({ program }) => program.includes('server.cjs'));
const elsewhere = (): Opened[] => tale.opened().filter(({ to }) => !/^(127\.0\.0\.1|localhost|::1)?:/.test(to));

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
  expect(byCloze()).toEqual([]);
  expect(elsewhere()).toEqual([]);
});

test('the same server is asked once the user opens the lock, and no other; then never again', async () => {
  lock(false);
  await chat.getByRole('button', { name: 'Choose the model: glm-test' }).waitFor();
  await chat.getByRole('combobox', { name: 'Message' }).fill('Hello?');
  await chat.getByRole('combobox', { name: 'Message' }).press('Enter');
  await chat.getByText('An answer from elsewhere.').waitFor();
  const asked = byCloze();
  expect(asked.length).toBeGreaterThan(0);
  expect(new Set(asked.map(({ to }) => to))).toEqual(new Set([new URL(server.url).host]));

  lock(true);
  await chat.getByRole('button', { name: 'Choose the model: cursor' }).waitFor();
  const opened = byCloze().length;
  await chat.getByRole('combobox', { name: 'Message' }).fill('Again?');
  await chat.getByRole('combobox', { name: 'Message' }).press('Enter');
  await chat.getByText('was not trained to converse').first().waitFor();
  expect(byCloze()).toHaveLength(opened);
  expect(server.asked).toHaveLength(1);
});

/** Writes the user's settings, as a user who edits them. */
function lock(offline: boolean): void {
  for (const scope of ['User', 'Machine']) {
    const file = join(workbench.folder, 'vscode/data', scope, 'settings.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), 'cloze.offline': offline }));
  }
}
