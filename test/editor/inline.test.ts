import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ghostText, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd());
  const { page } = workbench;
  await page.addInitScript(findNoIdleMoment);
  await page.reload();
  await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
});
afterAll(() => workbench?.dispose());

/**
 * A window that is too busy to make the last parts of its editors, those that listen to typing for inline suggestions,
 * before the typing ends. VS Code makes them when it is idle, after five seconds at the latest.
 */
function findNoIdleMoment(): void {
  const idle = window.requestIdleCallback.bind(window);
  window.requestIdleCallback = (callback, options) => (options?.timeout === 5000 ? 0 : idle(callback, options));
}

test('what was typed before the editor could ask gets its suggestion', async () => {
  const { page } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, lineOf('totalPrice()') + 1, 100);
  await page.keyboard.press('Enter');
  await page.keyboard.type('const items = ');
  expect(await ghostText(page)).not.toBe('');
});

test('an undo takes the suggestion away', async () => {
  const { page } = workbench;
  await page.keyboard.press('Control+z');
  await expect.poll(() => ghost(page).count()).toBe(0);
});

test('snoozing is shown, and silences typing but not the command', async () => {
  const { page } = workbench;
  await runCommand(page, 'Cloze: Snooze Completions');
  await page.locator('.quick-input-widget .monaco-list-row', { hasText: '15 Minutes' }).click();
  await statusLabel(page, 'Cloze: Snoozed until').waitFor();
  await screenshot(page, 'test/output/snoozed.png');
  await page.keyboard.press('Enter');
  // As a person types, with a look at the result: the editor asks, and is given nothing.
  await page.keyboard.type('const price = ', { delay: 60 });
  await page.waitForTimeout(1500);
  expect(await ghost(page).count()).toBe(0);
  await page.keyboard.press('Alt+\\');
  expect(await ghostText(page)).not.toBe('');
  await runCommand(page, 'Cloze: Snooze Completions');
  await page.locator('.quick-input-widget .monaco-list-row', { hasText: 'End Snoozing' }).click();
  await statusLabel(page, 'Cloze: Ready').waitFor();
});

test('the page of the last requests says what decided each', async () => {
  const { page } = workbench;
  const text = async () => {
    await runCommand(page, 'Cloze: Why No Suggestion?');
    await page.locator('.tab.active[data-resource-name^="Why No Suggestion"]').waitFor({ timeout: 15_000 });
    return (await page.locator('.view-lines').last().innerText()).replaceAll('\u00a0', ' ');
  };
  await expect.poll(text).toContain('Not shown: completions are snoozed.');
  await screenshot(page, 'test/output/why-no-suggestion.png');
  const shown = await text();
  expect(shown).toMatch(/inventory\.ts:\d+:\d+ {2}while typing/);
  expect(shown).toMatch(/inventory\.ts:\d+:\d+ {2}by hand/);
  expect(shown).toContain('Sent to the editor.');
  expect(shown).toMatch(/\d+ ms: waited \d+, tokenized \d+, read \d+, wrote \d+; \d+ tokens/);
});

const ghost = (page: Page) => page.locator('.view-lines .ghost-text-decoration, .view-lines .ghost-text');

/** Line of the file, counted from 1, that holds `text`. */
function lineOf(text: string): number {
  const saved = readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
  return saved.slice(0, saved.indexOf(text)).split('\n').length;
}
