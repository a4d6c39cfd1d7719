/** The three pages in VS Code, in a dark, a light and two high-contrast themes: all of it can be read, by whom it may be. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChatServer, startChatServer } from '../server/chat-server.ts';
import { seriousFaults } from './accessibility.ts';
import { focusEditor, framedPage, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const ANSWER = `\`total\` is the **sum**. A fold, see [the documentation](https://developer.example/reduce):

\`\`\`ts
/** What all items cost. */
export class Basket extends Bag {
  total(discount = 0.5): number {
    return this.items.reduce((sum: number, item: Item) => sum + item.price, 0) * discount;
  }
}
\`\`\`

| item | price |
|---|---|
| bolt | 3 |

> Not measured.`;

/** By the names that VS Code's own list of themes has; the class is what pages are told. */
const THEMES = [
  ['Default Dark Modern', 'vscode-dark'],
  ['Default Light Modern', 'vscode-light'],
  ['Default High Contrast', 'vscode-high-contrast'],
  ['Default High Contrast Light', 'vscode-high-contrast-light'],
] as const;

let workbench: Workbench;
let server: ChatServer;
let pages: [name: string, frame: Frame][];

beforeAll(async () => {
  server = await startChatServer(() => [ANSWER]);
  workbench = await openWorkbench(process.cwd(), { 'cloze.chat.server': server.url, 'cloze.offline': false });
  const { page } = workbench;
  page.setDefaultTimeout(150_000);
  await page.setViewportSize({ width: 1700, height: 900 });
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await runCommand(page, 'Cloze: Open the Lens');
  const lens = await framedPage(page, 'lens');
  await focusEditor(page);
  await goTo(page, 10, 100);
  await page.keyboard.press('Enter');
  await page.keyboard.type('const items = ');
  await lens.getByRole('option').first().waitFor();
  await page.keyboard.press('Tab');
  await runCommand(page, 'Cloze: Show Statistics');
  const statistics = await framedPage(page, 'statistics');
  await statistics.getByRole('row', { name: /^Accepted whole/ }).waitFor();
  await runCommand(page, 'Cloze: Open Chat');
  const chat = await framedPage(page, 'chat');
  await chat.getByRole('button', { name: 'Choose the model: glm-test' }).waitFor();
  await chat.getByRole('combobox', { name: 'Message' }).fill('What does it cost?');
  await chat.getByRole('combobox', { name: 'Message' }).press('Enter');
  await chat.getByText('Not measured.').waitFor();
  await chat.getByText('The answer is complete.').waitFor();
  pages = [
    ['chat', chat],
    ['lens', lens],
    ['statistics', statistics],
  ];
});
afterAll(async () => {
  await workbench?.dispose();
  server?.dispose();
});

test.each(THEMES)('no serious fault in %s', async (theme, kind) => {
  const { page, workspace } = workbench;
  mkdirSync(join(workspace, '.vscode'), { recursive: true });
  writeFileSync(join(workspace, '.vscode/settings.json'), JSON.stringify({ 'workbench.colorTheme': theme }));
  const faults: string[] = [];
  for (const [name, frame] of pages) {
    await frame.locator(`body.${kind}`).waitFor();
    // Colours may take a moment to fade.
    await page.waitForTimeout(300);
    faults.push(...(await seriousFaults(frame)).map((fault) => `${name}: ${fault}`));
  }
  await screenshot(page, `test/output/theme-${kind}.png`);
  expect(faults).toEqual([]);
});

test('code in an answer has the colours of the theme', async () => {
  const [, chat] = pages[0] ?? [];
  const colours = await chat
    ?.locator('.code .token')
    .evaluateAll((tokens) => tokens.map((t) => getComputedStyle(t).color));
  expect(new Set(colours).size).toBeGreaterThan(3);
});
