/** The chat in VS Code, with a server of this test alone that streams what it is told to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type AskedChat, type ChatServer, startChatServer } from '../server/chat-server.ts';
import { goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const HOSTILE =
  '<img src=x onerror="document.title=1"> [run](command:workbench.action.closeWindow) ![x](https://x.example/p.png) \u202eabc';
const METHOD = `  /** Sum of price times quantity. */
  totalPrice(): number {
    return [...this.items.values()].reduce((total, item) => total + item.price * item.quantity, 0);
  }`;

let workbench: Workbench;
let server: ChatServer;
/** Ends the answer that waits. */
let goOn: () => void = () => undefined;

async function* answerTo({ messages }: AskedChat): AsyncGenerator<string> {
  const question = messages.at(-1)?.content ?? '';
  if (question.includes('long story')) {
    yield 'Once upon a time';
    await new Promise<void>(() => undefined);
  } else if (question.includes('hostile')) yield HOSTILE;
  else if (question.includes('shorter')) {
    yield `A fold says it in one line:\n\n\`\`\`ts\n${METHOD}\n\`\`\`\n`;
  } else if (question.includes('holes')) yield '```ts\nconst firstTotal = …;\n```';
  else if (question.includes('slowly')) {
    yield '**`totalPrice`** adds up ';
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    yield 'what each item costs:\n\n1. it starts at `0`\n2. it adds price × quantity\n\n```ts\nconst greeting = 1;\n```\n';
  } else yield `You said: ${question.split('\n').at(-1)}`;
}

beforeAll(async () => {
  server = await startChatServer(answerTo);
  workbench = await openWorkbench(
    process.cwd(),
    { 'cloze.chat.server': server.url, 'cloze.offline': false },
    { others: ['test/editor/asking-extension'] },
  );
  const { page } = workbench;
  // Many steps, each of which a busy machine may make slow.
  page.setDefaultTimeout(150_000);
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await runCommand(page, 'Cloze: Open Chat');
  await chat().getByRole('button', { name: 'Choose the model: glm-test' }).waitFor();
});
afterAll(async () => {
  await workbench?.dispose();
  server?.dispose();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, `test/output/chat-failed-${task.id}.png`);
});

test('an answer streams in, with what was sent along', async () => {
  const { page } = workbench;
  await screenshot(page, 'test/output/chat-welcome.png');
  await goTo(page, lineOf('totalPrice()') + 1, 5);
  await input().fill('/explain slowly, please');
  await chat().locator('.budget', { hasText: 'tokens' }).waitFor();
  await input().press('Enter');
  await answers().last().getByText('totalPrice adds up').waitFor();
  expect(await answers().last().getAttribute('aria-busy')).toBe('true');
  await screenshot(page, 'test/output/chat-streaming.png');
  goOn();
  await chat().getByText('The answer is complete.').waitFor();
  expect(await answers().last().locator('.markdown ol li').count()).toBe(2);
  await screenshot(page, 'test/output/chat.png');
  const [asked] = server.asked;
  expect(asked?.messages.at(-1)?.content).toContain('total += item.price * item.quantity');
  expect(await chat().getByRole('list', { name: 'Sent along' }).innerText()).toMatch(/^inventory\.ts:\d+-\d+$/);
});

test('code is inserted at the cursor', async () => {
  const { page } = workbench;
  await goTo(page, 1, 1);
  await answers().last().getByRole('button', { name: 'Insert at cursor' }).click();
  await poll(saved).toMatch(/^const greeting = 1;\n\/\*\* A small warehouse/);
  await undo();
});

test('an answer is stopped, and asked for again as a second version', async () => {
  await ask('Tell me a long story');
  await answers().last().getByText('Once upon a time').waitFor();
  await chat().getByRole('button', { name: 'Stop' }).click();
  await answers().last().getByText('Stopped.').waitFor();
  await poll(() => server.asked.at(-1)?.brokenOff).toBe(true);
  await answers().last().getByRole('button', { name: 'Ask again' }).click();
  await answers().last().getByText('Stopped.').waitFor({ state: 'hidden' });
  await answers().last().getByText('Once upon a time').waitFor();
  await input().press('Escape');
  await answers().last().getByText('Stopped.').waitFor();
  await answers().last().getByText('2 of 2').waitFor();
});

test('a question is edited, and both versions are kept', async () => {
  const question = chat().getByRole('article', { name: 'You' }).last();
  await question.hover();
  await question.getByRole('button', { name: 'Edit' }).click();
  await input().fill('Something else');
  await input().press('Enter');
  await answers().last().getByText('You said: Something else').waitFor();
  await question.getByRole('button', { name: 'Previous version' }).click();
  await question.getByText('Tell me a long story').waitFor();
  await question.getByRole('button', { name: 'Next version' }).click();
  await question.getByText('Something else').waitFor();
});

test('what a model writes stays text', async () => {
  await ask('Be hostile');
  await chat().getByText('The answer is complete.').waitFor();
  const answer = answers().last();
  await answer.getByText('<img src=x').waitFor();
  expect(await answer.locator('img').count()).toBe(0);
  expect(await answer.getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual(
    ['https://x.example/p.png'],
  );
  expect(await answer.locator('.unseen').innerText()).toBe('‹202E›');
});

test('code is applied as a diff, in one undo step', async () => {
  const { page } = workbench;
  const original = await saved();
  await goTo(page, 1, 1);
  await ask('Make totalPrice shorter');
  await answers().last().getByRole('button', { name: 'Apply as diff' }).click();
  await page.locator('.tab.active', { hasText: 'proposal of the chat' }).waitFor();
  await page.locator('.monaco-diff-editor .line-insert').first().waitFor();
  await screenshot(page, 'test/output/chat-diff.png');
  await page.getByRole('button', { name: 'Apply the Proposal' }).first().click();
  // Its tab has the name of the file as well.
  await page.locator('.tab', { hasText: 'proposal of the chat' }).waitFor({ state: 'detached' });
  await page.locator('.tab.active[data-resource-name="inventory.ts"]').waitFor();
  await poll(saved).toContain(`\n\n${METHOD}\n\n`);
  expect(await saved()).not.toContain(
    'let total = 0;\n    for (const item of this.items.values()) {\n      total += item.price',
  );
  await undo();
  await poll(saved).toBe(original);
});

test('holes in code are filled as blanks by the local model', async () => {
  const { page } = workbench;
  await goTo(page, lineOf('export class'), 1);
  await ask('Give me holes');
  await answers().last().getByRole('button', { name: 'Fill its blanks' }).click();
  await page.locator('.codelens-decoration a', { hasText: 'Keep' }).first().waitFor();
  await screenshot(page, 'test/output/chat-fill.png');
  await poll(saved).toMatch(/const firstTotal = [^…\n]+/);
});

test("the models are among the editor's own, for its chat and for other extensions", async () => {
  const { page } = workbench;
  await runCommand(page, "Test: Ask the Editor's Models");
  const message = page.locator('.notification-toast', { hasText: /Ask/ }).first();
  await message.waitFor();
  await screenshot(page, 'test/output/chat-editor-models.png');
  expect(await message.innerText()).toContain(
    'Asked glm-test (6144), glm-other (6144). You said: Hello from elsewhere.',
  );
});

test('the conversation is there after the window was reloaded', async () => {
  const { page } = workbench;
  // The old window shows the conversation too: what is waited for is a new one.
  await page.evaluate(() => Object.assign(window, { old: true }));
  await runCommand(page, 'Developer: Reload Window');
  await page.waitForFunction(() => !('old' in window));
  await chat().getByRole('article', { name: 'You' }).first().getByText('/explain slowly').waitFor();
  await poll(() => answers().count()).toBe(5);
  await runCommand(page, 'Cloze: Conversations');
  await page.locator('.quick-input-widget', { hasText: 'Conversations of This Workspace' }).waitFor();
  await page.locator('.quick-input-widget input').first().fill('hostile');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: '/explain slowly' }).waitFor();
  await screenshot(page, 'test/output/chat-history.png');
  await page.keyboard.press('Escape');
});

test('with a model that fills blanks it says so, and runs what it can as blanks', async () => {
  const { page } = workbench;
  await chat().getByRole('button', { name: 'Choose the model' }).click();
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Fills blanks' }).click();
  await runCommand(page, 'Cloze: New Conversation');
  await chat().getByText('was not trained to converse').waitFor();
  await screenshot(page, 'test/output/chat-embedded.png');
  await ask('What is a monad?');
  await answers().last().getByText('fills blanks in code and was not trained to converse').waitFor();
  const line = lineOf('  find(name');
  await goTo(page, line + 1, 5);
  await ask('/doc');
  await answers().last().getByText(`The comment at line ${line} is a blank that the model filled.`).waitFor();
  await screenshot(page, 'test/output/chat-doc.png');
  await poll(saved).toMatch(/\n {2}\/\*\* \S.*\*\/\n {2}find\(name/);
});

/** The page within the two frames that VS Code puts around a view's content. */
function chat(): FrameLocator {
  return workbench.page.frameLocator('iframe.webview').frameLocator('iframe#active-frame');
}

const input = () => chat().getByRole('combobox', { name: 'Message' });
const answers = () => chat().locator('article.assistant');

/** A busy machine may take long for any of it. */
const poll = <T>(of: () => T) => expect.poll(of, { timeout: 100_000 });

async function ask(question: string): Promise<void> {
  const before = await answers().count();
  await input().fill(question);
  await input().press('Enter');
  await poll(() => answers().count()).toBe(before + 1);
}

/** The text of the file, saved. */
async function saved(): Promise<string> {
  const { page } = workbench;
  await page.locator('.tab.active').click();
  await page.keyboard.press('Control+s');
  await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  return readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
}

async function undo(): Promise<void> {
  await workbench.page.locator('.tab.active').click();
  await workbench.page.keyboard.press('Control+z');
}

/** Line of the file, counted from 1, that holds `text`. */
function lineOf(text: string): number {
  const file = readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
  return file.slice(0, file.indexOf(text)).split('\n').length;
}
