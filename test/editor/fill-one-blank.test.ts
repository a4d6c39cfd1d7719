import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** Nothing that the model would fill in. */
const UNFORESEEN = 'let total = this.unforeseen(17);';

let workbench: Workbench;
let original: string;
let line: number;

beforeAll(async () => {
  workbench = await openWorkbench(
    process.cwd(),
    { 'cloze.fill.length': 'line' },
    { prepare: (workspace) => replaceIn(join(workspace, 'inventory.ts'), 'let total = 0;', UNFORESEEN) },
  );
  const { page } = workbench;
  original = readFileSync(file(), 'utf8');
  line = original.slice(0, original.indexOf(UNFORESEEN)).split('\n').length;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
});
afterAll(() => workbench?.dispose());

test('the borders of a blank, its length and its text can be chosen anew, and rejecting puts all back', async () => {
  const { page } = workbench;
  await goTo(page, line, 1);
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
  await page.keyboard.press('Control+Alt+Space');
  await lens('Keep').waitFor();
  await expect.poll(replaced).toBe(UNFORESEEN);

  await more('Narrower: give back some of the text');
  await expect.poll(replaced).toBe('this.unforeseen(17)');
  await expect.poll(lineText).toMatch(/^ {4}let total = (?!.*unforeseen).*;$/);
  await more('Wider: take in more of the text');
  await expect.poll(replaced).toBe(UNFORESEEN);
  await screenshot(page, 'test/output/fill-one-blank.png');

  const before = await settledText();
  await lens('Next').click();
  // How sure the model is decides which of the two it is.
  const none = page.locator('.notification-list-item', { hasText: 'The model has nothing else to put there.' });
  await expect.poll(async () => (await lineText()) !== before || (await none.count()) > 0).toBe(true);
  await more('One line');
  await expect.poll(settledText).toBe(before);

  await lens('Reject').click();
  await lens('Reject').waitFor({ state: 'detached' });
  await expect.poll(text).toBe(original);
});

test('an instruction is asked for, and what it filled can be kept', async () => {
  const { page } = workbench;
  await goTo(page, line, 1);
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
  await runCommand(page, 'Cloze: Fill Selection with an Instruction');
  await page.locator('.quick-input-title', { hasText: 'What should be filled in?' }).waitFor();
  await page.keyboard.type('begin with a sum of nothing');
  await page.keyboard.press('Enter');
  await lens('Keep').click();
  await lens('Keep').waitFor({ state: 'detached' });
  expect(await text()).not.toBe(original);
});

/** Chooses something else for the blank; waits until it is filled again. */
async function more(action: string): Promise<void> {
  const { page } = workbench;
  await lens('…').click();
  await page.locator('.quick-input-widget .monaco-list-row', { hasText: action }).first().click();
  await page.locator('.notification-list-item', { hasText: 'Filling' }).waitFor({ state: 'detached' });
  await lens('Keep').waitFor();
}

/** An action above the line, by its whole title. */
function lens(title: string): Locator {
  return workbench.page.locator('.codelens-decoration a', { hasText: new RegExp(`^${title}$`) }).first();
}

/** What the fill replaces, as it is shown struck out after it. */
function replaced(): Promise<string> {
  return workbench.page.evaluate(() => {
    for (const span of document.querySelectorAll('.view-lines span')) {
      const { content, textDecorationLine } = getComputedStyle(span, '::after');
      if (textDecorationLine === 'line-through') return (JSON.parse(content) as string).replaceAll('\u00a0', ' ');
    }
    return '';
  });
}

/** The line once no fill is under way: one that takes longer than half a second is told of. */
async function settledText(): Promise<string> {
  const { page } = workbench;
  for (;;) {
    const read = await lineText();
    await page.waitForTimeout(1000);
    const filling = await page.locator('.notification-list-item', { hasText: 'Filling' }).count();
    if (filling === 0 && read === (await lineText())) return read;
  }
}

async function lineText(): Promise<string> {
  return (await text()).split('\n')[line - 1] ?? '';
}

/** The text of the editor, by way of the file, which is empty for a moment while it is written. */
async function text(): Promise<string> {
  const { page } = workbench;
  await page.keyboard.press('Control+s');
  await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  let saved = '';
  const read = () => {
    saved = readFileSync(file(), 'utf8');
    return saved;
  };
  await expect.poll(read).not.toBe('');
  return saved;
}

function replaceIn(name: string, part: string, by: string): void {
  writeFileSync(name, readFileSync(name, 'utf8').replace(part, by));
}

function file(): string {
  return join(workbench.workspace, 'inventory.ts');
}
