/** Tuning in the editor: how far it is in the status bar, pause and stop there, what it brought, and the way back. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

const item = (text: string | RegExp): Locator => workbench.page.locator('.statusbar-item', { hasText: text }).first();
const toast = (text: string | RegExp): Locator =>
  workbench.page.locator('.notification-toast', { hasText: text }).first();
const homeOf = (): string => {
  const tuned = join(workbench.folder, 'vscode/cloze/tuned');
  const [home = ''] = readdirSync(tuned);
  return join(tuned, home);
};

test('a workspace is tuned on in the background, paused and stopped from the status bar', async () => {
  const { page, workspace } = workbench;
  const before = readdirSync(workspace);
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
  await toast('Tuning was stopped.').waitFor();
  await screenshot(page, 'test/output/tuning-stopped.png');
  expect(readdirSync(workspace)).toEqual(before);
  expect(readdirSync(homeOf())).toEqual(['unfinished']);
});

test('a model that is better is used, says what it brought, shows its report, and is gone back from', {
  timeout: 600_000,
}, async () => {
  const { page, workspace } = workbench;
  const before = readdirSync(workspace);
  await runCommand(page, 'Cloze: Tune on This Workspace');
  const message = toast('The tuned model is in use');
  // At the lowest priority it takes half a minute alone, and many times as long beside other work.
  await message.waitFor({ timeout: 540_000 });
  const { comparisons } = JSON.parse(readFileSync(join(homeOf(), '1', 'tuned.json'), 'utf8'));
  const percent = ({ value }: { value: number }) => (100 * value).toFixed(1);
  const { exactMatch } = comparisons.project;
  expect(await message.textContent()).toContain(
    `it fills ${percent(exactMatch.after)} % of blanks exactly instead of ${percent(exactMatch.before)} %`,
  );
  // So few lines have room for fewer than 60 blanks of each of the four kinds.
  expect(comparisons.project.tasks).toBeLessThan(4 * 60);
  expect(exactMatch.after.value).toBeGreaterThan(exactMatch.before.value);
  await screenshot(page, 'test/output/tuning-better.png');
  const inUse = () => JSON.parse(readFileSync(join(homeOf(), 'in-use.json'), 'utf8')).history;
  expect(inUse().at(-1)).toBe(1);

  await message.getByRole('button', { name: 'Show Report' }).click();
  await page.locator('.tab.active', { hasText: 'Tuning' }).waitFor();
  // Within the frames that the editor puts around it; those of others have no heading, or none yet.
  const headings = () =>
    Promise.all(
      page.frames().map((frame) =>
        frame
          .locator('h1')
          .allTextContents()
          .catch(() => []),
      ),
    );
  await expect
    .poll(async () => (await headings()).flat(), { timeout: 60_000 })
    .toContainEqual(expect.stringMatching(/^Tuned model 1 of .*sample$/));
  await screenshot(page, 'test/output/tuning-report.png');

  await runCommand(page, 'Cloze: Go Back to the Model Before Tuning');
  await toast('The model that comes with Cloze is used again.').waitFor();
  await screenshot(page, 'test/output/tuning-back.png');
  expect(inUse()).toEqual([]);
  expect(readdirSync(workspace)).toEqual(before);
  await runCommand(page, 'Cloze: Go Back to the Model Before Tuning');
  await toast(/nothing to go back from/).waitFor();
});
