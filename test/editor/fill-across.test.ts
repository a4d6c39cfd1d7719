import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const HOLES: Readonly<Record<string, string>> = {
  'inventory.ts': 'export function total(items: Item[]): number {\n  let sum = …;\n  return ___;\n}\n',
  'queue.js': 'export function sumOf(queue) {\n  let sum = …;\n  return sum;\n}\n',
};
const NAMES = Object.keys(HOLES);

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd());
  const { page } = workbench;
  for (const name of NAMES) writeFileSync(file(name), `${HOLES[name]}\n${readFileSync(file(name), 'utf8')}`);
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await page.keyboard.press('Control+\\');
  await page.locator('.editor-group-container').nth(1).waitFor();
  await openFile(page, 'queue.js');
});
afterAll(() => workbench?.dispose());

test('holes of two files are filled in one go, and one undo takes both back', async () => {
  const { page } = workbench;
  const before = NAMES.map(text);
  await runCommand('Cloze: Fill the Holes in All Visible Editors');
  const actions = page.locator('.codelens-decoration a');
  const group = (index: number) => page.locator('.editor-group-container').nth(index).locator('.codelens-decoration a');
  await group(0).filter({ hasText: /^Next/ }).first().waitFor();
  await group(1).filter({ hasText: /^Next/ }).first().waitFor();
  await screenshot(page, 'test/output/fill-across.png');

  await page.keyboard.press('Alt+Enter');
  await actions.filter({ hasText: /^Keep/ }).first().waitFor({ state: 'detached' });
  await runCommand('File: Save All Files');
  await expect.poll(() => NAMES.map(text).every((now) => !now.includes('…'))).toBe(true);

  await page.locator('.editor-group-container').nth(1).locator('.view-line').first().click();
  await page.keyboard.press('Control+z');
  await expect.poll(savedTexts).toEqual(before);
});

async function savedTexts(): Promise<string[]> {
  await runCommand('File: Save All Files');
  return NAMES.map(text);
}

async function runCommand(title: string): Promise<void> {
  const { page } = workbench;
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget input').first().fill(`>${title}`);
  await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

function text(name: string): string {
  return readFileSync(file(name), 'utf8');
}

function file(name: string): string {
  return join(workbench.workspace, name);
}
