/** A workspace of two folders, one with a notebook and one with a repository; and one that the user does not trust. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ghostText, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const ROOTS = 'both.code-workspace';
const NOTEBOOK = {
  cells: [
    cell('code', ['def circle_area(radius):\n', '    return 3.14159 * radius * radius\n']),
    cell('markdown', ['The area of a circle with that radius.']),
    cell('code', ['radius = 2\n']),
  ],
  metadata: { language_info: { name: 'python' } },
  nbformat: 4,
  nbformat_minor: 5,
};

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd(), { 'cloze.completion.timeLimit': 0 }, { prepare, roots: ROOTS });
  workbench.page.setDefaultTimeout(150_000);

  function prepare(workspace: string): void {
    for (const root of ['first', 'second']) mkdirSync(join(workspace, root));
    writeFileSync(join(workspace, ROOTS), JSON.stringify({ folders: ['first', 'second'].map((path) => ({ path })) }));
    writeFileSync(join(workspace, 'second/inventory.ts'), readFileSync(join(workspace, 'inventory.ts')));
    writeFileSync(join(workspace, 'first/areas.ipynb'), JSON.stringify(NOTEBOOK));
    execFileSync('git', ['init', '--quiet', join(workspace, 'second')]);
  }
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, `test/output/workspaces-failed-${task.id}.png`);
});

test('a file of the second folder is completed', async () => {
  const { page } = workbench;
  const files = async () => {
    // The folders may have been looked at before there was anybody to read them.
    await runCommand(page, 'Refresh Explorer');
    return page.locator('.explorer-folders-view .monaco-list-row[aria-label^="inventory.ts"]').count();
  };
  await expect.poll(files, { timeout: 120_000, interval: 3000 }).toBe(1);
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, 32, 100);
  await page.keyboard.press('Enter');
  await page.keyboard.type('const items = ');
  expect(await ghostText(page)).not.toBe('');
  await screenshot(page, 'test/output/second-folder.png');
  await page.keyboard.press('Tab');
});

test('a cell of a notebook is completed', async () => {
  const { page } = workbench;
  await page.locator('.explorer-folders-view .monaco-list-row[aria-label^="areas.ipynb"]').dblclick();
  const last = page.locator('.notebook-editor .cell.code .monaco-editor').last();
  await last.waitFor();
  await last.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('area = circle_');
  expect((await ghostText(page)).replace(/\s/g, '')).toMatch(/^area\(/);
  await screenshot(page, 'test/output/notebook.png');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+s');
  await expect
    .poll(() => readFileSync(join(workbench.workspace, 'first/areas.ipynb'), 'utf8'))
    .toContain('area = circle_area(');
});

test('nothing is suggested in the box of the source control view', async () => {
  const { page } = workbench;
  await page.keyboard.press('Control+Shift+g');
  const box = page.locator('.scm-editor .monaco-editor').first();
  await box.waitFor();
  await box.click();
  await page.keyboard.type('const items = ');
  await page.waitForTimeout(2000);
  expect(await page.locator('.scm-editor .ghost-text, .scm-editor .ghost-text-decoration').count()).toBe(0);
  await screenshot(page, 'test/output/source-control.png');
});

test('both were asked about by their own names, the box was not; the page of extensions has the time of activation', async () => {
  const { page } = workbench;
  await runCommand(page, 'Cloze: Why No Suggestion?');
  await page.locator('.tab.active[data-resource-name^="Why No Suggestion"]').waitFor();
  const asked = await textOf(page);
  expect(asked).toMatch(/ inventory\.ts:\d+:\d+/);
  expect(asked).toMatch(/ areas\.ipynb:\d+:\d+/);
  expect(new Set(asked.match(/[\w.]*\.\w+(?=:\d+:\d+ {2})/g))).toEqual(new Set(['inventory.ts', 'areas.ipynb']));
  await screenshot(page, 'test/output/requests-of-workspaces.png');

  await runCommand(page, 'Developer: Show Running Extensions');
  const row = page.locator('.runtime-extensions-editor .extension', { hasText: 'Cloze' }).first();
  const first = page.locator('.runtime-extensions-editor .extension').first();
  await first.hover();
  // The slowest come first, and only what is on the screen exists.
  for (let turn = 0; turn < 20 && (await row.count()) === 0; turn++) {
    await page.mouse.wheel(0, 300);
    await page.waitForTimeout(200);
  }
  const told = await row.innerText();
  console.log(`cloze: ${/Activation: \d+ms/.exec(told)?.[0] ?? told}`);
  expect(told).toMatch(/Activation: \d+ms/);
  await screenshot(page, 'test/output/running-extensions.png');
});

test('a folder that is not trusted is completed in, but does not say which model is loaded', async () => {
  await workbench.dispose();
  const settings = { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never' };
  const prepare = (workspace: string) => {
    mkdirSync(join(workspace, '.vscode'));
    writeFileSync(join(workspace, '.vscode/settings.json'), JSON.stringify({ 'cloze.model.path': '/nowhere' }));
  };
  workbench = await openWorkbench(process.cwd(), { ...settings, 'cloze.completion.timeLimit': 0 }, { prepare });
  const { page } = workbench;
  page.setDefaultTimeout(150_000);
  await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, 32, 100);
  await page.keyboard.press('Enter');
  await page.keyboard.type('const items = ');
  expect(await ghostText(page)).not.toBe('');
  await screenshot(page, 'test/output/restricted-mode.png');
});

/** All lines of the active editor that are on the screen. */
async function textOf(page: Page): Promise<string> {
  return (await page.locator('.editor-instance .view-lines').last().innerText()).replaceAll('\u00a0', ' ');
}

function cell(cell_type: 'code' | 'markdown', source: string[]) {
  return { cell_type, metadata: {}, source, ...(cell_type === 'code' ? { execution_count: null, outputs: [] } : {}) };
}
