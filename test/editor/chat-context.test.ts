/** What the chat sends along of the workspace, what becomes of a conversation, and `@cloze` in VS Code's own chat. */
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ChatServer, startChatServer } from '../server/chat-server.ts';
import { framedPage, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** A line that no version of the sample has; TypeScript finds fault with it. */
const CHANGE = 'export const reorderLevel: number = "many";';

const HOSTILE =
  'Done: <img src="https://x.example/a.png" onerror="document.title=1"> ![p](https://x.example/b.png) [run](command:workbench.action.closeWindow)';

let workbench: Workbench;
let server: ChatServer;
let chat: Frame;

beforeAll(async () => {
  server = await startChatServer(({ messages }) => {
    const question = messages.at(-1)?.content.split('\n').at(-1) ?? '';
    return [question.includes('hostile') ? HOSTILE : `You said: ${question}`];
  });
  const settings = { 'cloze.chat.server': server.url, 'cloze.offline': false, 'chat.disableAIFeatures': false };
  workbench = await openWorkbench(process.cwd(), settings, { prepare: makeRepository });
  const { page } = workbench;
  page.setDefaultTimeout(150_000);
  await openFile(page, 'averages.py');
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await runCommand(page, 'Cloze: Open Chat');
  chat = await framedPage(page, 'chat');
  await chat.getByRole('button', { name: 'Choose the model: glm-test' }).waitFor();
});
afterAll(async () => {
  await workbench?.dispose();
  server?.dispose();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, `test/output/chat-context-failed-${task.id}.png`);
});

/** One commit, and a change after it. */
function makeRepository(workspace: string): void {
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  for (const args of [['init'], ['add', '.'], [...author, 'commit', '-m', 'Sample']]) {
    const { status, stderr } = spawnSync('git', args, { cwd: workspace, encoding: 'utf8' });
    if (status !== 0) throw new Error(`git ${args.join(' ')} failed: ${stderr}`);
  }
  appendFileSync(join(workspace, 'inventory.ts'), `${CHANGE}\n`);
}

const input = () => chat.getByRole('combobox', { name: 'Message' });
const answers = () => chat.locator('article.assistant');

/** Asks, and returns the question as it reached the server, once its answer is complete. */
async function ask(question: string): Promise<string> {
  const before = server.asked.length;
  await input().fill(question);
  await input().press('Enter');
  await expect.poll(() => server.asked.length, { timeout: 100_000 }).toBe(before + 1);
  await answers().last().locator('.tools:not([hidden])').waitFor();
  return server.asked.at(-1)?.messages.at(-1)?.content ?? '';
}

const sentAlong = () => chat.getByRole('list', { name: 'Sent along' }).last().innerText();

test('files: the active one, another by its path, all that are open', async () => {
  expect(await ask('@file What is it?')).toContain('class Inventory');
  expect(await sentAlong()).toBe('inventory.ts');
  expect(await ask('Compare @file:queue.js')).toMatch(/queue\.js:\n`{3,}javascript\n/);
  await ask('Sum up @open');
  expect((await sentAlong()).split('\n').sort()).toEqual(['averages.py', 'inventory.ts']);
});

test('a symbol at the cursor, and one by its name', async () => {
  await goTo(workbench.page, 42, 5);
  const around = await ask('What does @symbol do?');
  expect(await sentAlong()).toMatch(/^inventory\.ts:\d+-\d+$/);
  expect(around).not.toContain('interface Item');
  await ask('What does @symbol:totalPrice do?');
  expect(await sentAlong()).toContain('inventory.ts');
});

test('problems, as the editor knows them', async () => {
  const wrong = /inventory\.ts|\d+.*(error|warning): .*not assignable to type 'number'/;
  await expect.poll(() => ask('Explain @problems'), { timeout: 120_000, interval: 3000 }).toMatch(wrong);
  expect(await sentAlong()).toBe('Problems in inventory.ts');
});

test('every command asks what it is called', async () => {
  await goTo(workbench.page, 42, 5);
  const asked: Record<string, string> = {};
  for (const command of ['doc', 'test', 'fix', 'name']) asked[command] = await ask(`/${command}`);
  for (const [command, word] of Object.entries({ doc: 'document', test: 'test', fix: 'wrong', name: 'name' })) {
    expect(asked[command]?.toLowerCase()).toContain(word);
    expect(asked[command]).toContain('inventory.ts');
  }
});

test('/commit sends what is changed', async () => {
  const asked = await ask('/commit');
  expect(asked).toContain(`+${CHANGE}`);
  // No more of the file than the hunk; its head names the class that it is in.
  expect(asked).not.toContain('private items');
  expect(await sentAlong()).toBe('Changes');
});

test('what the user cannot have is said in words', async () => {
  await input().fill('@symbol:nothingIsCalledThis');
  await input().press('Enter');
  await answers().last().getByText('No symbol is named nothingIsCalledThis').waitFor();
});

test('an answer is copied', async () => {
  const { page } = workbench;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ask('Copy this');
  await answers().last().getByRole('button', { name: 'Copy' }).last().click();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(clipboard, { timeout: 30_000 }).toBe('You said: Copy this');
});

test('a conversation is exported as Markdown, and deleted when that is confirmed', async () => {
  const { page } = workbench;
  await runCommand(page, 'Cloze: Export Conversation as Markdown');
  await page.locator('.tab.active', { hasText: 'Untitled' }).waitFor();
  const text = () =>
    page.locator('.tab.active').evaluate(() => document.querySelector('.view-lines')?.textContent ?? '');
  // The editor draws spaces as no-break spaces.
  await expect.poll(text, { timeout: 60_000 }).toMatch(/##\sYou/);
  await screenshot(page, 'test/output/chat-export.png');
  await runCommand(page, 'Cloze: Delete Conversation');
  await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => answers().count(), { timeout: 60_000 }).toBe(0);
});

test("@cloze answers in VS Code's own chat", async () => {
  const { page } = workbench;
  await page.locator('.tab', { hasText: 'inventory.ts' }).first().click();
  await runCommand(page, 'Chat: Open Chat');
  const editor = page
    .locator(
      '.interactive-session .interactive-input-editor, .interactive-session .chat-input-container .monaco-editor',
    )
    .first();
  await editor.waitFor();
  // The editor has no models but these, and takes one of them without being told.
  await page
    .locator('.interactive-session .chat-input-toolbars')
    .getByText(/glm-(test|other)/)
    .first()
    .waitFor();
  await editor.click();
  await page.keyboard.type('@cloze Hello from the own chat', { delay: 30 });
  await page.waitForTimeout(1000);
  await screenshot(page, 'test/output/chat-participant-asked.png');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await page.locator('.interactive-session').getByText('You said: Hello from the own chat').first().waitFor();
  await screenshot(page, 'test/output/chat-participant.png');
  expect(server.asked.at(-1)?.messages.at(-1)?.content).toBe('Hello from the own chat');
});

test('there too, what a model writes loads and runs nothing', async () => {
  const { page } = workbench;
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  await page.locator('.interactive-session .chat-input-container .monaco-editor').first().click();
  await page.keyboard.type('@cloze Be hostile', { delay: 30 });
  await page.waitForTimeout(1000);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  const answer = page.locator('.interactive-session .interactive-response').last();
  await answer.getByText('Done:').waitFor();
  await screenshot(page, 'test/output/chat-participant-hostile.png');
  expect(await answer.locator('img[src*="x.example"], [onerror]').count()).toBe(0);
  expect(await answer.locator('a[data-href^="command:"], a[href^="command:"]').count()).toBe(0);
  expect(requested.filter((url) => url.includes('x.example'))).toEqual([]);
});

test('while a page is active, the file beside it is meant', async () => {
  const { page } = workbench;
  await runCommand(page, 'Cloze: Open the Lens');
  const lens = await framedPage(page, 'lens');
  await lens.locator('h1').click();
  expect(await ask('@file What is it?')).toContain('class Inventory');
});
