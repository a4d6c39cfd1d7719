/** The key that shows a suggestion for as long as it is held. What a system repeats is repeated here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ghostText, goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const BEGIN = 'const items = ';
/** Longer than a key that was let go is waited for. */
const A_WHILE = 2000;

let workbench: Workbench;
let repeats = 0;

beforeAll(async () => {
  const settings = {
    'cloze.completion.automatic': false,
    'cloze.completion.timeLimit': 0,
    'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
    'editor.suggestOnTriggerCharacters': false,
  };
  workbench = await openWorkbench(process.cwd(), settings);
  const { page } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, lineOf('totalPrice()') + 1, 100);
  await page.keyboard.press('Enter');
  await page.keyboard.type(BEGIN);
});
afterAll(() => workbench?.dispose());
beforeEach(async () => {
  await workbench.page.keyboard.press('Escape');
  await expect.poll(ghosts).toBe(0);
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await screenshot(workbench.page, `test/output/hold-failed-${task.id}.png`);
});

test('held, it shows the suggestion until it is let go; a tap after that shows it for good', async () => {
  const { page } = workbench;
  await whileHeld(async () => {
    await expect.poll(ghosts).toBeGreaterThan(0);
    const seen = repeats;
    await expect.poll(() => repeats).toBeGreaterThan(seen + 30);
    await screenshot(page, 'test/output/held.png');
    await expect.poll(ghosts).toBeGreaterThan(0);
  });
  await expect.poll(ghosts).toBe(0);

  await page.keyboard.press('Alt+\\');
  expect(await ghostText(page)).not.toBe('');
  await setTimeout(A_WHILE);
  expect(await ghosts()).toBeGreaterThan(0);
});

test('tapped twice in a hurry, it shows the suggestion for good', async () => {
  const { page } = workbench;
  await page.keyboard.press('Alt+\\');
  await page.keyboard.press('Alt+\\');
  expect(await ghostText(page)).not.toBe('');
  await setTimeout(A_WHILE);
  expect(await ghosts()).toBeGreaterThan(0);
});

test('while it is held, Alt+Enter takes what it shows', async () => {
  const { page } = workbench;
  let shown = '';
  await whileHeld(async () => {
    shown = await ghostText(page);
    const taken = async () => {
      if ((await line()) === BEGIN) await page.keyboard.press('Enter');
      return line();
    };
    await expect.poll(taken, { interval: 500 }).toBe(`${BEGIN}${shown}`);
  });
  await expect.poll(ghosts).toBe(0);
});

/** Presses the key and has it repeat while `act` goes on, then lets it go. */
async function whileHeld(act: () => Promise<void>): Promise<void> {
  const { keyboard } = workbench.page;
  const press = async () => {
    await keyboard.down('Backslash');
    repeats++;
  };
  let held = true;
  const repeat = async () => {
    await press();
    await setTimeout(500);
    // A system does not wait for the window: where that is busy, some are under way together.
    const underWay: Promise<void>[] = [];
    for (; held; await setTimeout(33)) {
      underWay.push(press());
      if (underWay.length > 4) await underWay.shift();
    }
    // The last ones too are close to each other, however busy the machine.
    await Promise.all([...underWay, ...Array.from({ length: 10 }, press)]);
  };
  await keyboard.down('Alt');
  const repeated = repeat();
  try {
    await act();
  } finally {
    held = false;
    await repeated;
    await keyboard.up('Backslash');
    await keyboard.up('Alt');
  }
}

function ghosts(): Promise<number> {
  return workbench.page.locator('.view-lines .ghost-text-decoration, .view-lines .ghost-text').count();
}

/** The line with the cursor, without what is only suggested. */
function line(): Promise<string> {
  return workbench.page.evaluate(() => {
    const cursor = document.querySelector('.editor-instance .cursors-layer .cursor')?.getBoundingClientRect();
    for (const line of document.querySelectorAll('.editor-instance .view-line')) {
      const { top, bottom } = line.getBoundingClientRect();
      const middle = cursor ? (cursor.top + cursor.bottom) / 2 : 0;
      if (middle < top || middle > bottom) continue;
      const own = line.cloneNode(true) as Element;
      for (const ghost of own.querySelectorAll('[class*="ghost-text"]')) ghost.remove();
      return (own.textContent ?? '').replaceAll('\u00a0', ' ').trimStart();
    }
    return '';
  });
}

/** Line of the file, counted from 1, that holds `text`. */
function lineOf(text: string): number {
  const saved = readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
  return saved.slice(0, saved.indexOf(text)).split('\n').length;
}
