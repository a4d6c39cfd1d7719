/** Completions as they are for somebody who has changed no setting: shown only where the model is sure of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ghostText, goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;

beforeAll(async () => {
  // The gate that the manifest names, instead of the open one of the other tests; a slow machine is given its time.
  // TypeScript's first list can come seconds late, and then takes the place of the ghost text, as it should.
  const settings = {
    'cloze.completion.threshold': undefined,
    'cloze.completion.timeLimit': 0,
    'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
    // A space opens it too, once TypeScript's server is there.
    'editor.suggestOnTriggerCharacters': false,
  };
  workbench = await openWorkbench(process.cwd(), settings);
});
afterAll(() => workbench?.dispose());

test('a loop that the document has twice is suggested for the third time, and Tab inserts it', async () => {
  const { page } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  // Behind the last method, whose closing bracket is the last line but one.
  await goTo(page, saved().trimEnd().split('\n').length - 1, 100);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.keyboard.type('totalItems(): number {');
  await page.keyboard.press('Enter');
  await page.keyboard.type('let total = 0;');
  await page.keyboard.press('Enter');
  await page.keyboard.type('for ');

  const suggested = await ghostText(page);
  await screenshot(page, 'test/output/default-gate.png');
  expect(suggested).toMatch(/^\(const item of this\.items/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+s');
  const loop = `let total = 0;\nfor ${suggested.trimEnd()}\n`;
  await expect.poll(() => saved().split(loop).length - 1).toBe(3);
  expect(saved().indexOf(loop, saved().indexOf('totalItems'))).toBeGreaterThan(0);
});

/** Without indentation, which depends on whether the editor has loaded the language's rules yet. */
function saved(): string {
  return readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8').replace(/^ +/gm, '');
}
