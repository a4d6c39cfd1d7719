/** The Lens in VS Code: it shows the very numbers that `cloze fill --json` gives for the same blank. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FillTrace } from '../../language-server/protocol.ts';
import { percent } from '../../media/lens/token-text.ts';
import { focusEditor, ghostText, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** No time limit, or a busy machine would end a fill early; one line, so that one option says it to both. */
const SETTINGS = { 'cloze.completion.timeLimit': 0, 'cloze.completion.multiline': 'never' };

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd(), SETTINGS);
  await workbench.page.setViewportSize({ width: 1360, height: 900 });
});
afterAll(() => workbench?.dispose());

test('the Lens shows what the model computed for the fill just made', async () => {
  const { page } = workbench;
  const line = insertEmptyLine('if (existing) {', '      ');
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await runCommand(page, 'Cloze: Open the Lens');
  const lens = lensOf(page);
  await lens.getByText('Nothing has been completed yet').waitFor();

  await focusEditor(page);
  await goTo(page, line, 7);
  await page.keyboard.press('Alt+\\');
  await lens.getByRole('option').first().waitFor();
  expect(await ghostText(page)).not.toBe('');
  await screenshot(page, 'test/output/lens.png');

  const expected = traceByCommandLine(`inventory.ts:${line}:7`);
  const partA = lens.getByRole('listbox', { name: 'Part A' }).getByRole('option');
  const partB = lens.getByRole('listbox', { name: 'Part B' }).getByRole('option');
  const ids = (chips: HTMLElement[]) => chips.map((chip) => Number(chip.dataset.id));
  expect(await partA.evaluateAll(ids)).toEqual(expected.partA.map(({ id }) => id));
  expect(await partB.evaluateAll(ids)).toEqual(expected.partB.map(({ id }) => id));
  expect(await partB.evaluateAll((chips) => chips.map((chip) => chip.dataset.logProbability))).toEqual(
    expected.partB.map(({ logProbability }) => logProbability?.toString()),
  );
  // Every token was predicted while the Lens was open, so each step has its rivals: the very ones of the command line.
  const table = lens.getByRole('table', { name: 'Probable tokens at this step' });
  for (const [step, { logProbability, rivals = [] }] of expected.partB.entries()) {
    if (logProbability === undefined) continue;
    await partB.nth(step).click();
    const likely = [logProbability, ...rivals.map((rival) => rival.logProbability)].toSorted((x, y) => y - x);
    expect(await table.locator('tbody td:nth-child(2)').allInnerTexts()).toEqual(likely.map(percent));
    expect(likely).toHaveLength(6);
    expect(likely.reduce((sum, each) => sum + Math.exp(each), 0)).toBeLessThanOrEqual(1.000_001);
  }
  expect(expected.partB.some(({ trust }) => trust !== undefined)).toBe(true);
});

test('whoever has been in the Lens and types on in the editor keeps the keyboard while it follows', async () => {
  const { page } = workbench;
  const lens = lensOf(page);
  const shown = () => lens.getByRole('listbox', { name: 'Part B' }).innerText();
  const before = await shown();
  // The last of the test above was a click on a token.
  await focusEditor(page);
  await page.keyboard.press('Control+End');
  const typed = 'export const nothing = new Inventory();';
  await page.keyboard.type(`\n${typed}\nnothing.`, { delay: 60 });
  await expect.poll(shown).not.toBe(before);
  await page.keyboard.type('add(', { delay: 60 });
  await page.keyboard.press('Escape');
  await screenshot(page, 'test/output/lens-typing.png');
  await page.keyboard.press('Control+s');
  const saved = () => readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
  await expect.poll(saved).toContain(`\n${typed}\nnothing.add(`);
});

test('steps and paradigms work by the keyboard', async () => {
  const lens = lensOf(workbench.page);
  await lens.getByRole('slider', { name: 'Step' }).press('Home');
  expect(await lens.locator('output').first().innerText()).toContain('Step 1 of ');
  await lens.getByRole('radio', { name: 'GLM', exact: true }).press('ArrowRight');
  await lens.getByText('a mask stands for one token').waitFor();
  await screenshot(workbench.page, 'test/output/lens-bert.png');
});

test('a Lens that was open comes back with the window', async () => {
  const { page } = workbench;
  // The editor's own command: it has saved what is open before the page goes.
  await runCommand(page, 'Developer: Reload Window');
  // The choice of the paradigm is kept by the page, the trace by nobody.
  const lens = lensOf(page);
  await lens.getByText('Nothing has been completed yet').waitFor();
});

/** The page within the two frames that VS Code puts around a view's content. */
function lensOf(page: Page): FrameLocator {
  return page.frameLocator('iframe.webview').frameLocator('iframe#active-frame');
}

/** Puts a line of white space after the first that holds `text`, on disk; returns its number, counted from 1. */
function insertEmptyLine(text: string, indentation: string): number {
  const file = join(workbench.workspace, 'inventory.ts');
  const lines = readFileSync(file, 'utf8').split('\n');
  const at = lines.findIndex((each) => each.includes(text)) + 1;
  lines.splice(at, 0, indentation);
  writeFileSync(file, lines.join('\n'));
  return at + 1;
}

function traceByCommandLine(place: string): FillTrace {
  const command = [join(process.cwd(), 'dist/cloze.mjs'), 'fill', '--json', '--single-line', place];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, {
    cwd: workbench.workspace,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  if (status !== 0) throw new Error(`cloze fill failed: ${stderr}`);
  return (JSON.parse(stdout) as { trace: FillTrace }).trace;
}
