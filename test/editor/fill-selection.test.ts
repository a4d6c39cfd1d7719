import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** Three holes at the top of the file; the rest of it has none. */
const HOLES = `
export function summary(items: Item[]): string {
  const names = …;
  let total = ___;
  return …;
}
`;

let workbench: Workbench;
let original: string;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd());
  const { page } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, 1, 200);
  // As from the clipboard: no brackets are closed, no suggestions come.
  await page.keyboard.insertText(HOLES);
  original = await text();
  expect(original).toContain(HOLES.trim());
});
afterAll(() => workbench?.dispose());

beforeEach(async () => {
  const { page } = workbench;
  await goTo(page, 1, 1);
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+Alt+Space');
  await lens('Keep All').waitFor();
});

test('holes in a selection are filled together and shown before they are kept; Escape rejects all', async () => {
  const { page } = workbench;
  const filled = await text();
  expect(filled).not.toBe(original);
  expect(withoutHoles(filled)).toBe(true);
  await screenshot(page, 'test/output/fill-selection.png');

  await rejectAll();
  expect(await text()).toBe(original);
});

test('Alt+Enter keeps all, and one undo takes all back', async () => {
  const { page } = workbench;
  const filled = await text();
  await page.keyboard.press('Alt+Enter');
  await lens('Keep All').waitFor({ state: 'detached' });
  expect(await text()).toBe(filled);

  await page.keyboard.press('Control+z');
  expect(await text()).toBe(original);
});

test('one blank is kept, one rejected, and the others are refilled around what is kept', async () => {
  const { page } = workbench;
  const filled = await text();
  const kept = lineWith(filled, 'const names = ');
  await lens('Keep 1, Refill Others').click();
  await lens('Keep 1').waitFor({ state: 'detached' });
  await screenshot(page, 'test/output/fill-selection-refilled.png');
  expect(lineWith(await text(), 'const names = ')).toBe(kept);

  await lens('Reject 2').click();
  await lens('Reject 2').waitFor({ state: 'detached' });
  expect(lineWith(await text(), 'let total = ')).toBe('  let total = ___;');
  expect(lineWith(await text(), 'const names = ')).toBe(kept);

  await rejectAll();
  expect(lineWith(await text(), 'const names = ')).toBe(kept);
  expect(await text()).toBe(original.replace('  const names = …;', kept));
  await page.keyboard.press('Control+z');
});

/** An action above a line, by its whole title. */
function lens(title: string): Locator {
  return workbench.page.locator('.codelens-decoration a', { hasText: new RegExp(`^${title}$`) }).first();
}

/** Escape closes what else is open first, such as ghost text. */
async function rejectAll(): Promise<void> {
  const { page } = workbench;
  await expect
    .poll(async () => {
      await page.keyboard.press('Escape');
      return page.locator('.codelens-decoration a', { hasText: /^Reject/ }).count();
    })
    .toBe(0);
}

/** The text of the editor, by way of the file. */
async function text(): Promise<string> {
  const { page, workspace } = workbench;
  await page.keyboard.press('Control+s');
  await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  return readFileSync(join(workspace, 'inventory.ts'), 'utf8');
}

function withoutHoles(filled: string): boolean {
  return ['names = …', 'total = ___', 'return …'].some((hole) => !filled.includes(hole));
}

function lineWith(document: string, start: string): string {
  return document.split('\n').find((line) => line.trimStart().startsWith(start)) ?? '';
}
