import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd(), { 'cloze.model.path': '/no/such/folder' });
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/missing-model-failed.png');
});

test('a model folder that does not exist gives one clear message and the editor goes on', async () => {
  const { page, workspace } = workbench;
  const messages = page.locator('.notification-toast', { hasText: 'Cloze' });
  await messages.first().waitFor();

  await openFile(page, 'averages.py');
  await goTo(page, 1, 1);
  await page.keyboard.type('# still here\n');
  await page.keyboard.press('Control+s');
  await expect.poll(() => readFileSync(join(workspace, 'averages.py'), 'utf8')).toMatch(/^# still here\n/);
  await screenshot(page, 'test/output/missing-model.png');

  expect(await messages.count()).toBe(1);
  expect(await messages.first().innerText()).toContain('/no/such/folder');
  expect(await statusLabel(page, 'Cloze: ').getAttribute('aria-label')).toContain('/no/such/folder');
});
