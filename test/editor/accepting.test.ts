/** What a person does with ghost text beside Tab: takes a word or a line of it, types it, looks at others, has two cursors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ghostText, goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const BEGIN = 'const items = ';

let workbench: Workbench;

beforeAll(async () => {
  // A slow machine is given its time. The editor has no key of its own for the next line.
  // TypeScript's first list can come seconds late; while it is open, its chosen entry is what is shown, and what is left
  // after a word can reach further than that.
  const settings = {
    'cloze.completion.timeLimit': 0,
    'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
    // A space opens it, too.
    'editor.suggestOnTriggerCharacters': false,
  };
  workbench = await openWorkbench(process.cwd(), settings, { others: ['test/editor/keys-extension'] });
  const { page } = workbench;
  page.setDefaultTimeout(150_000);
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, `test/output/accepting-failed-${task.id}.png`);
});

/** Each test has a method of its own: what stands right below would not be suggested again. */
beforeEach(() => workbench.page.keyboard.press('Escape'));

test('a word is taken, and then what is left', async () => {
  const { page } = workbench;
  await beginIn('totalPrice()');
  await page.keyboard.type(BEGIN);
  const whole = await ghostText(page);
  await screenshot(page, 'test/output/accept-word-before.png');
  await page.keyboard.press('Control+ArrowRight');
  await expect.poll(() => ghostText(page)).not.toBe(whole);
  const rest = await ghostText(page);
  await screenshot(page, 'test/output/accept-word.png');
  await expect.poll(() => newLine('totalPrice()').length).toBeGreaterThan(BEGIN.length);
  const taken = newLine('totalPrice()');
  expect(`${taken.slice(BEGIN.length)}${rest}`).toBe(whole);
  await page.keyboard.press('Tab');
  await expect.poll(() => newLine('totalPrice()')).toBe(`${taken}${rest}`.trimEnd());
});

test('a line is taken', async () => {
  const { page } = workbench;
  await beginIn('totalQuantity()');
  await page.keyboard.type(BEGIN);
  const first = await ghostText(page);
  await page.keyboard.press('Control+Alt+n');
  await expect.poll(() => newLine('totalQuantity()')).toBe(`${BEGIN}${first}`.trimEnd());
});

test('what is typed as suggested stays on the screen', async () => {
  const { page } = workbench;
  await beginIn('remove(');
  await page.keyboard.type(BEGIN);
  const whole = await ghostText(page);
  await page.keyboard.type(whole.slice(0, 2));
  await expect.poll(async () => (await ghostText(page)).startsWith(whole.slice(2))).toBe(true);
});

test('asked by hand, there are others to look at', async () => {
  const { page } = workbench;
  await beginIn('find(');
  await page.keyboard.type('function ');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Alt+\\');
  const first = await ghostText(page);
  await page.keyboard.press('Alt+]');
  await expect.poll(() => ghostText(page)).not.toBe(first);
  await screenshot(page, 'test/output/other-candidate.png');
  await page.keyboard.press('Alt+[');
  await expect.poll(() => ghostText(page)).toBe(first);
});

test('two cursors get the same text', async () => {
  const { page } = workbench;
  await beginIn('add(');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('End');
  await page.keyboard.press('Shift+Alt+ArrowDown');
  await page.keyboard.type(BEGIN);
  // At both of them.
  const twice = await ghostText(page);
  await screenshot(page, 'test/output/two-cursors.png');
  const suggested = twice.slice(0, twice.length / 2);
  expect(twice).toBe(suggested + suggested);
  await page.keyboard.press('Tab');
  const line = `${BEGIN}${suggested}`.trim();
  const both = () => lines().slice(lineOf('add('), lineOf('add(') + 2);
  await expect.poll(both).toEqual([line, line]);
});

/** Puts the cursor on a new line, the first of a method. */
async function beginIn(method: string): Promise<void> {
  const { page } = workbench;
  // The place is looked up in the file.
  await page.keyboard.press('Control+s');
  await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  await goTo(page, lineOf(method), 100);
  await page.keyboard.press('Enter');
}

/** The first line of a method. */
function newLine(method: string): string {
  return lines()[lineOf(method)] ?? '';
}

/** As saved, which the editor in a browser does by itself. */
function lines(): string[] {
  return readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8')
    .split('\n')
    .map((line) => line.trim());
}

/** Line of the file, counted from 1, that holds `text`. */
function lineOf(text: string): number {
  return lines().findIndex((line) => line.includes(text)) + 1;
}
