/** The page of the chat alone, in a real browser under the policy that it has in the editor. */
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FromPage, ShownMessage, ToPage } from '../../media/chat/messages.ts';
import { seriousFaults } from './accessibility.ts';
import { screenshot } from './browser-page.ts';
import { installChromium } from './chromium-install.ts';

const HOSTILE =
  '<img src=x onerror="document.title=1"><script>document.title=1</script> [run](command:x) [js](javascript:document.title=1) ' +
  '![i](https://x.example/p.png) <style>*{display:none}</style> \u202eabc\u200b\n\n```html\n<script>document.title=1</script>\u202e\n```\n';
const POLICY = "default-src 'none'; style-src 'nonce-test'; script-src 'nonce-test'";
/** Stands for the editor: remembers what the page says. */
const HOST = `window.said = []; window.acquireVsCodeApi = () => ({
  postMessage: (message) => window.said.push(message), getState() {}, setState() {} });`;
/** Of the editor's dark theme. */
const THEME = `body { --vscode-foreground: #cccccc; --vscode-descriptionForeground: #9d9d9d; --vscode-sideBar-background: #181818;
  --vscode-input-background: #313131; --vscode-input-foreground: #ccc; --vscode-input-border: #3c3c3c;
  --vscode-focusBorder: #0078d4; --vscode-button-background: #0078d4; --vscode-textLink-foreground: #4daafc;
  --vscode-input-placeholderForeground: #989898; --vscode-editorSuggestWidget-background: #202020;
  --vscode-editorSuggestWidget-selectedBackground: #04395e; --vscode-textCodeBlock-background: #2b2b2b; margin: 0;
  --vscode-debugTokenExpression-boolean: #4e94ce; --vscode-debugTokenExpression-name: #c586c0;
  --vscode-debugTokenExpression-string: #ce9178; --vscode-debugTokenExpression-number: #b5cea8;
  --vscode-gitDecoration-untrackedResourceForeground: #73c991;
  --vscode-gitDecoration-submoduleResourceForeground: #8db9e2; }`;
const ANSWER = `\`totalPrice\` adds up what each item costs:

1. it starts at \`0\`
2. it adds **price × quantity**

| item | price |
|---|---|
| bolt | 3 |

\`\`\`ts
totalPrice(): number {
  return [...this.items.values()].reduce((total, item) => total + item.price * item.quantity, 0);
}
\`\`\`

> See [the documentation](https://developer.mozilla.org/reduce).`;

let browser: Browser;
let page: Page;
let html: string;

beforeAll(async () => {
  const chrome = await installChromium((line) => console.log(`cloze: ${line}`));
  browser = await chromium.launch({
    executablePath: chrome.executable,
    env: { ...(process.env as Record<string, string>), ...chrome.env },
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const { outputFiles } = await build({
    entryPoints: ['media/chat/main.ts', 'media/chat/chat.css'],
    outdir: 'nowhere',
    bundle: true,
    format: 'iife',
    write: false,
  });
  const of = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text;
  html = `<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="${POLICY}">
    <title>Chat</title><style nonce="test">${THEME}${of('.css')}</style></head><body class="vscode-dark"><main id="chat"></main>
    <script nonce="test">${HOST}</script><script nonce="test">${of('.js')}</script></body></html>`;
});
afterAll(() => browser?.close());

beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 380, height: 720 }, deviceScaleFactor: 2 });
  page.on('request', (request) => requested.push(request.url()));
  requested = [];
  await page.setContent(html);
  await send({
    type: 'model',
    model: {
      name: 'glm-test',
      note: 'This model runs at http://127.0.0.1:8000.',
      commands: [
        { name: 'explain', description: 'Explain the selected code' },
        { name: 'doc', description: 'Write its documentation' },
      ],
      converses: true,
    },
  });
});
let requested: string[] = [];

const send = (message: ToPage) => page.evaluate((sent) => window.postMessage(sent, '*'), message);
const said = () => page.evaluate(() => (window as unknown as { said: FromPage[] }).said);
const input = () => page.getByRole('combobox', { name: 'Message' });

const branch = { index: 0, count: 1 };
const question: ShownMessage = {
  ...{ id: 'q', role: 'user', text: 'What does it do?', state: 'done', branch },
  context: ['inventory.ts:38-44'],
};
const answer = (text: string, values: Partial<ShownMessage> = {}): ShownMessage => ({
  ...{ id: 'a', role: 'assistant', text, state: 'done', model: 'glm-test', branch },
  ...values,
});
async function show(...messages: ShownMessage[]): Promise<void> {
  await send({ type: 'thread', messages });
  await page.getByRole('article').first().waitFor();
}

describe('the page', () => {
  test('welcomes with what the model can do', async () => {
    await page.getByRole('button', { name: '/explain: Explain the selected code' }).waitFor();
    await screenshot(page, 'test/output/chat-page-welcome.png');
    expect((await said())[0]).toEqual({ type: 'ready' });
  });

  test('shows an answer as Markdown', async () => {
    await send({
      type: 'context',
      context: { items: [{ name: 'inventory.ts', tokens: 1204, cut: false }], used: 2300, limit: 6144, dropped: 2 },
    });
    await show(question, answer(ANSWER, { branch: { index: 1, count: 2 } }));
    await screenshot(page, 'test/output/chat-page.png');
    expect(await page.locator('article.assistant ol li').count()).toBe(2);
    expect(await page.locator('.budget').innerText()).toBe('2.3k / 6.1k tokens');
    const context = page.getByRole('list', { name: 'Context' }).getByRole('listitem');
    expect(await context.allInnerTexts()).toEqual(['inventory.ts1.2k', '2 earlier messages do not fit']);
    expect(await page.getByText('2 of 2').count()).toBe(1);
    expect(await page.locator('.code .token.keyword').allInnerTexts()).toContain('return');
    expect(await seriousFaults(page)).toEqual([]);
  });

  test('treats what a model writes as text, and loads nothing', async () => {
    await show(question, answer(HOSTILE));
    expect(await page.locator('main img, main script, main style').count()).toBe(0);
    expect(await page.title()).toBe('Chat');
    expect(
      await page.locator('main a').evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href)),
    ).toEqual(['https://x.example/p.png']);
    expect(await page.locator('main').innerText()).not.toMatch(/[\u202e\u200b]/);
    const inCode = await page.locator('main .code code *').evaluateAll((all) => all.map((each) => each.outerHTML));
    expect(inCode.length).toBeGreaterThan(0);
    for (const each of inCode)
      expect(each).toMatch(
        /^<span class="(token [a-z]+|unseen)">[^<]*(<span class="unseen">[^<]*<\/span>[^<]*)*<\/span>$/,
      );
    await page.getByRole('button', { name: 'Insert at cursor' }).click();
    const code = '<script>document.title=1</script>';
    expect((await said()).at(-1)).toEqual({ type: 'code', action: 'insert', code, language: 'html' });
    expect(requested).toEqual([]);
  });

  test('treats names of files and models, questions, thoughts and faults as text too', async () => {
    await send({
      type: 'model',
      model: { name: HOSTILE, note: HOSTILE, commands: [{ name: HOSTILE, description: HOSTILE }], converses: true },
    });
    const commands = await page.locator('main button').allInnerTexts();
    expect(commands.some((text) => text.includes('<img src=x'))).toBe(true);
    await send({
      type: 'context',
      context: { items: [{ name: HOSTILE, tokens: 1, cut: true }], used: 1, limit: 2, dropped: 0 },
    });
    await show(
      { ...question, text: HOSTILE, context: [HOSTILE] },
      answer('Half', { model: HOSTILE, thought: HOSTILE, state: 'failed', problem: HOSTILE }),
    );
    await page.locator('article.assistant summary').click();
    expect(await page.locator('main img, main script, main style, main a').count()).toBe(0);
    expect(await page.title()).toBe('Chat');
    const text = await page.locator('main').innerText();
    expect(text.split('<img src=x onerror="document.title=1">').length - 1).toBeGreaterThanOrEqual(7);
    expect(text).not.toMatch(/[\u202e\u200b]/);
    expect(requested).toEqual([]);
  });

  test('grows with what streams in, and leaves what is finished alone', async () => {
    await show(question, answer('One.\n\nTw', { state: 'streaming' }));
    await page.evaluate(() => Object.assign(window, { kept: document.querySelector('.markdown p') }));
    await send({ type: 'text', id: 'a', text: 'o.\n\n**Three**', thought: false });
    await page.getByText('Three').waitFor();
    expect(await page.locator('.markdown p').allInnerTexts()).toEqual(['One.', 'Two.', 'Three']);
    const same = await page.evaluate(
      () => (window as unknown as { kept: Element }).kept === document.querySelector('.markdown p'),
    );
    expect(same).toBe(true);
    await input().fill('wait');
    await input().press('Enter');
    await input().press('Escape');
    expect((await said()).filter(({ type }) => type !== 'draft').slice(1)).toEqual([{ type: 'stop' }]);
  });

  test('works by the keyboard alone', async () => {
    await show(question, answer('Yes.'));
    await input().focus();
    await page.keyboard.type('@se');
    const option = page.getByRole('option', { selected: true });
    expect(await option.innerText()).toContain('@selection');
    expect(await input().getAttribute('aria-activedescendant')).toBe('suggestion-0');
    await page.keyboard.press('Tab');
    expect(await input().inputValue()).toBe('@selection ');
    await page.keyboard.type('why?');
    await page.keyboard.press('Enter');
    expect(await said()).toContainEqual({ type: 'send', text: '@selection why?' });
    await page.getByRole('button', { name: 'Edit' }).focus();
    await page.keyboard.press('Enter');
    expect(await input().inputValue()).toBe('What does it do?');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('Now.');
    await page.keyboard.press('Enter');
    expect(await said()).toContainEqual({ type: 'edit', id: 'q', text: 'What does it do?\nNow.' });
    await page.keyboard.type('/');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    expect(await input().inputValue()).toBe('/doc ');
  });

  test('keeps the focus while one goes through versions', async () => {
    await show(question, answer('First', { branch: { index: 0, count: 2 } }));
    await page.getByRole('button', { name: 'Next version' }).focus();
    await page.keyboard.press('Enter');
    expect((await said()).at(-1)).toEqual({ type: 'branch', id: 'a', step: 1 });
    await show(question, answer('Second', { id: 'b', branch: { index: 1, count: 2 } }));
    await page.getByText('Second', { exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Previous version');
  });

  test('tells what went wrong', async () => {
    await show(question, answer('Half', { state: 'streaming' }));
    await send({
      type: 'message',
      message: answer('Half', { state: 'failed', problem: 'It broke off. <b>Ask again.</b>' }),
    });
    await page.getByText('It broke off. <b>Ask again.</b>').first().waitFor();
    expect(await page.getByRole('status').innerText()).toContain('The answer failed. It broke off.');
  });
});
