/** The walkthrough in VS Code: each of its steps has its picture, and what it offers runs. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import english from '../../package.nls.json' with { type: 'json' };
import { framedPage, runCommand, screenshot } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const STEPS = ['ghostText', 'fillSelection', 'lens', 'yours'] as const;

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd());
  workbench.page.setDefaultTimeout(150_000);
  // Pictures stand beside the steps where there is room.
  await workbench.page.setViewportSize({ width: 1700, height: 950 });
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, 'test/output/walkthrough-failed.png');
});

test('every step shows its picture, and its button works', async () => {
  const { page } = workbench;
  await runCommand(page, 'Welcome: Open Walkthrough...');
  await page.locator('.quick-input-widget', { hasText: english['walkthrough.title'] }).waitFor();
  await page.locator('.quick-input-list .monaco-list-row', { hasText: english['walkthrough.title'] }).first().click();
  const guide = page.locator('.gettingStartedContainer');
  for (const step of STEPS) {
    const picture = guide.locator(`img[alt="${english[`walkthrough.${step}.alt`]}"]`);
    // The first step stands open; a click would close it.
    if (step !== STEPS[0]) await guide.getByText(english[`walkthrough.${step}.title`]).click();
    await picture.waitFor();
    const width = () => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth);
    await expect.poll(width, { timeout: 60_000 }).toBeGreaterThan(600);
    await screenshot(page, `test/output/walkthrough-${step}.png`);
  }
  await guide.getByRole('button', { name: 'Show Statistics' }).click();
  const statistics = await framedPage(page, 'statistics');
  await statistics.getByRole('row', { name: /^Accepted whole/ }).waitFor();
});
