import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** Three holes at the top of the file; the rest of it has none. */
const HOLES = `export function summary(items: Item[]): string {
  const names = …;
  let total = ___;
  return …;
}
`;

let workbench: Workbench;
let original: string;

beforeAll(async () => {
  // One line each: then the lines of the three holes are known by how they begin.
  workbench = await openWorkbench(process.cwd(), { 'cloze.fill.length': 'line' });
  const { page } = workbench;
  original = `${HOLES}\n${readFileSync(file(), 'utf8')}`;
  writeFileSync(file(), original);
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
});
afterAll(() => workbench?.dispose());

beforeEach(async () => {
  const { page } = workbench;
  await rejectAll();
  await goTo(page, 1, 1);
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+Alt+Space');
  await lens('Keep All').waitFor();
});

test('holes in a selection are filled together and shown before they are kept; Escape rejects all', async () => {
  const { page } = workbench;
  await filledText();
  await screenshot(page, 'test/output/fill-selection.png');

  await rejectAll();
  await expect.poll(text).toBe(original);
});

test('Alt+Enter keeps all, and one undo takes all back', async () => {
  const { page } = workbench;
  const filled = await filledText();
  await page.keyboard.press('Alt+Enter');
  await lens('Keep All').waitFor({ state: 'detached' });
  await expect.poll(text).toBe(filled);

  await page.keyboard.press('Control+z');
  await expect.poll(text).toBe(original);
});

test('one blank is kept, one rejected, and the others are refilled around what is kept', async () => {
  const { page } = workbench;
  const kept = await numberIn(/^Keep (\d), Refill Others$/);
  const keptLine = lineOf(await filledText(), kept);
  await lens(`Keep ${kept}, Refill Others`).click();
  await lens(`Keep ${kept}`).waitFor({ state: 'detached' });
  const rejected = await numberIn(/^Reject (\d)$/);
  await screenshot(page, 'test/output/fill-selection-refilled.png');
  expect(rejected).not.toBe(kept);
  await expect.poll(async () => lineOf(await text(), kept)).toBe(keptLine);

  await lens(`Reject ${rejected}`).click();
  await lens(`Reject ${rejected}`).waitFor({ state: 'detached' });
  await expect.poll(async () => lineOf(await text(), rejected)).toBe(lineOf(original, rejected));
  expect(lineOf(await text(), kept)).toBe(keptLine);

  await rejectAll();
  const lines = async () => {
    const decided = await text();
    return [1, 2, 3].map((number) => lineOf(decided, number));
  };
  await expect.poll(lines).toEqual([1, 2, 3].map((number) => (number === kept ? keptLine : lineOf(original, number))));
});

/** The number in the first action whose title fits; waits until there is one. */
async function numberIn(title: RegExp): Promise<number> {
  const action = workbench.page.locator('.codelens-decoration a', { hasText: title }).first();
  await action.waitFor();
  return Number(title.exec((await action.innerText()).replaceAll('\u00a0', ' '))?.[1]);
}

/** The line of the hole with this number, counted from 1, whatever it is filled with. */
function lineOf(document: string, number: number): string {
  // With the break before it: what a hole is filled with may have lines that begin alike, further in.
  const start = ['\n  const names = ', '\n  let total = ', '\n  return '][number - 1] ?? '';
  const from = document.indexOf('function summary');
  const at = document.indexOf(start, from) + 1;
  return document.slice(at, document.indexOf('\n', at));
}

/** An action above a line, by its whole title. */
function lens(title: string): Locator {
  return workbench.page.locator('.codelens-decoration a', { hasText: new RegExp(`^${title}$`) }).first();
}

/** Escape closes what else is open first, such as ghost text. */
async function rejectAll(): Promise<void> {
  const { page } = workbench;
  const pressed = async (): Promise<number> => {
    await page.keyboard.press('Escape');
    return page.locator('.codelens-decoration a', { hasText: /^Reject/ }).count();
  };
  await expect.poll(pressed, { timeout: 30_000, interval: 500 }).toBe(0);
}

/** The text of the editor, by way of the file, which is empty for a moment while it is written. */
async function text(): Promise<string> {
  const { page } = workbench;
  await page.keyboard.press('Control+s');
  await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  await expect.poll(() => readFileSync(file(), 'utf8')).not.toBe('');
  return readFileSync(file(), 'utf8');
}

/** The text with the holes filled; the editor shows its actions a moment before the file can be saved. */
async function filledText(): Promise<string> {
  await expect.poll(text).not.toBe(original);
  return text();
}

function file(): string {
  return join(workbench.workspace, 'inventory.ts');
}
