/** Models in the editor: listed, downloaded from a hub of this test alone after consent, used, and removed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ModelHub, startModelHub } from '../server/model-hub.ts';
import { openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;
let hub: ModelHub;

beforeAll(async () => {
  hub = await startModelHub('engine/embedded-model');
  workbench = await openWorkbench(process.cwd());
  workbench.page.setDefaultTimeout(150_000);
  await openFile(workbench.page, 'inventory.ts');
  await statusLabel(workbench.page, 'Cloze: Ready').waitFor();
});
afterAll(async () => {
  await workbench?.dispose();
  hub?.dispose();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/models-failed.png');
});

const line = (page: Page, text: string | RegExp): Locator =>
  page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();

test('a model is downloaded once the user agrees, used for everything, and removed', async () => {
  const { page, folder } = workbench;
  const small = join(folder, 'vscode/cloze/models/small');
  await runCommand(page, 'Cloze: Models');
  expect(await line(page, 'embedded').innerText()).toMatch(
    /comes with Cloze · [\d.]+ M parameters · \d+ MB · completions, Fill Selection, chat/,
  );
  expect(await line(page, 'embedded').innerText()).toMatch(/[▰▱]{10} native \w+: \d+ MB of [\d.]+ GB free/);

  await line(page, 'Download from a Hub').click();
  const question = page.locator('.quick-input-widget', { hasText: 'Page of a GLM model on a hub' });
  await question.waitFor();
  await question.locator('input:visible').last().fill(hub.page);
  await page.keyboard.press('Enter');
  const consent = page.locator('.monaco-dialog-box', { hasText: 'Download someone/small from 127.0.0.1' });
  await consent.waitFor();
  expect(await consent.innerText()).toContain('cloze.offline is set to false');
  expect(hub.asked).toEqual([]);
  await screenshot(page, 'test/output/models-consent.png');
  await consent.getByRole('button', { name: 'Allow Connections and Download' }).click();
  const installed = page.locator('.notification-toast', { hasText: 'The model small is installed.' });
  await installed.getByRole('button', { name: 'Use It' }).click();
  expect(existsSync(join(small, 'model.safetensors'))).toBe(true);

  await runCommand(page, 'Cloze: Models');
  await line(page, /small.*completions, Fill Selection, chat/s).waitFor();
  await screenshot(page, 'test/output/models.png');
  await line(page, 'small').click();
  await line(page, 'Use for: chat').waitFor();
  await screenshot(page, 'test/output/model-actions.png');
  await line(page, 'Remove').click();
  const confirm = page.locator('.monaco-dialog-box', { hasText: 'Remove the model small?' });
  await confirm.getByRole('button', { name: 'Remove' }).click();
  await expect.poll(() => existsSync(small)).toBe(false);
  await runCommand(page, 'Cloze: Models');
  await line(page, /embedded.*completions, Fill Selection, chat/s).waitFor();
  expect(await line(page, 'small').count()).toBe(0);
  await page.keyboard.press('Escape');
});
