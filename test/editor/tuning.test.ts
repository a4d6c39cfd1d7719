/** Tuning in the editor: how far it is in the status bar, pause and stop there. What it brings is test/server's. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { code } from '../unit/tuning/code.ts';
import { openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const FILES = 24;
let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(
    process.cwd(),
    { 'cloze.tuning.minutes': 0 },
    {
      prepare(workspace) {
        for (let index = 0; index < FILES; index++) writeFileSync(join(workspace, `part${index}.ts`), code(index));
      },
    },
  );
  workbench.page.setDefaultTimeout(150_000);
  await openFile(workbench.page, 'inventory.ts');
  await statusLabel(workbench.page, 'Cloze: Ready').waitFor();
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/tuning-failed.png');
});

test('a workspace is tuned on in the background, paused and stopped from the status bar', async () => {
  const { page, folder, workspace } = workbench;
  const before = readdirSync(workspace);
  const item = (text: string | RegExp): Locator => page.locator('.statusbar-item', { hasText: text }).first();
  const choose = async (text: string) => {
    const line = page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
    await line.waitFor();
    await line.click();
  };
  await runCommand(page, 'Cloze: Tune on This Workspace');
  await item(/Tuning: remembering \d+ %/).waitFor();
  await item(/Tuning/).click();
  await choose('Pause');
  await item('Tuning: paused').waitFor();
  await screenshot(page, 'test/output/tuning-paused.png');
  await item(/Tuning/).click();
  await choose('Go On');
  await item(/Tuning: (remembering|measuring) \d+ %/).waitFor();
  await item(/Tuning/).click();
  await choose('Stop Tuning');
  await page.locator('.notification-toast', { hasText: 'Tuning was stopped.' }).waitFor();
  await screenshot(page, 'test/output/tuning-stopped.png');
  expect(readdirSync(workspace)).toEqual(before);
  const [home] = readdirSync(join(folder, 'vscode/cloze/tuned'));
  expect(home).toMatch(/^sample-/);
});
