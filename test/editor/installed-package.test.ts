/** The .vsix in VS Code: installed as a user installs it, and used without a question asked. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ghostText, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { processesWith } from './processes.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd());
});
afterAll(() => workbench?.dispose());

test('the installed package completes, from its own folder, and asks nothing', async () => {
  const { page, folder } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, 10, 100);
  await page.keyboard.press('Enter');
  const began = performance.now();
  await page.keyboard.type('const items = ', { delay: 60 });
  expect((await ghostText(page)).trim()).not.toBe('');
  console.log(`cloze: ghost text ${Math.round(performance.now() - began)} ms after the first of 14 keystrokes`);
  expect(await page.locator('.notification-toast, .monaco-dialog-box').count()).toBe(0);
  await screenshot(page, 'test/output/installed-package.png');

  const [installed] = readdirSync(join(folder, 'vscode/extensions')).filter((name) => name.startsWith('cloze.cloze-'));
  expect(installed).toBeDefined();
  expect(processesWith(join(folder, 'vscode/extensions', installed ?? ''), 'dist/server.cjs')).toHaveLength(1);
});

test('what was accepted is counted on this machine, and shown', async () => {
  const { page } = workbench;
  await page.keyboard.press('Tab');
  await runCommand(page, 'Cloze: Show Statistics');
  const statistics = page.frameLocator('iframe.webview').frameLocator('iframe#active-frame');
  const cells = statistics.getByRole('row', { name: /^Accepted whole/ }).getByRole('cell');
  await cells.first().waitFor();
  expect(Number.parseInt(await cells.first().innerText(), 10)).toBeGreaterThan(0);
  await screenshot(page, 'test/output/statistics-in-editor.png');
});
