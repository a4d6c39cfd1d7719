/** Fill Selection over two files that are open side by side. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const HOLES: Readonly<Record<string, string>> = {
  'inventory.ts': 'export const firstInventory = …;\n\n',
  'queue.js': 'export const firstQueue = …;\n\n',
};
const FILES = Object.keys(HOLES);

let workbench: Workbench;
let originals: string[];

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd(), { 'cloze.fill.length': 'line' });
  const { page } = workbench;
  // Many steps, each of which a busy machine may make slow.
  page.setDefaultTimeout(150_000);
  for (const name of FILES) writeFileSync(file(name), `${HOLES[name]}${readFileSync(file(name), 'utf8')}`);
  originals = contents();
  await openFile(page, 'inventory.ts');
  await page.keyboard.press('Control+\\');
  await page.locator('.editor-group-container').nth(1).waitFor();
  await openFile(page, 'queue.js');
  await statusLabel(page, 'Cloze: Ready').waitFor();
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/fill-files-failed.png');
});

test('holes in both files are filled together, and one undo takes both back', async () => {
  const { page } = workbench;
  await runCommand(page, 'Cloze: Fill the Holes in All Visible Editors');
  await lens('Keep').nth(1).waitFor();
  expect(await lens('Keep').count()).toBe(2);
  await screenshot(page, 'test/output/fill-files.png');
  // The editor in a browser saves by itself, a moment after a change.
  await expect.poll(changed).toEqual([true, true]);
  for (const [index, text] of contents().entries()) expect(text).toContain(rest(originals[index] ?? ''));

  await openFile(page, 'queue.js');
  await page.keyboard.press('Control+z');
  await lens('Keep').first().waitFor({ state: 'detached' });
  await expect.poll(contents).toEqual(originals);
  await screenshot(page, 'test/output/fill-files-undone.png');
});

/** An action above a line, by its whole title; one for each editor that has it. */
function lens(title: string): Locator {
  return workbench.page.locator('.codelens-decoration a', { hasText: new RegExp(`^${title}$`) });
}

function contents(): string[] {
  return FILES.map((name) => readFileSync(file(name), 'utf8'));
}

/** Whether each file has text in place of its hole; a file is empty for a moment while it is written. */
function changed(): boolean[] {
  return contents().map((text, index) => text !== '' && text !== originals[index]);
}

/** All after the line with the hole. */
function rest(text: string): string {
  return text.slice(text.indexOf('\n'));
}

function file(name: string): string {
  return join(workbench.workspace, name);
}
