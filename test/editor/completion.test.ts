import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ghostText, goTo, openFile, screenshot, statusLabel } from './browser-page.ts';
import { processesWith } from './processes.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.cwd());
});
afterAll(() => workbench?.dispose());

test('the status bar shows that the model is ready', async () => {
  const item = statusLabel(workbench.page, 'Cloze: Ready');
  await item.waitFor();
  expect(await item.innerText()).toContain('Cloze');
});

test('ghost text appears in a TypeScript file and Tab inserts it', async () => {
  const { page } = workbench;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, lineOf('totalPrice()') + 1, 100);

  const accepted = await typeAndAccept('const items = ', 'test/output/ghost-text.png');

  expect(accepted).not.toBe('');
  const line = saved().split('\n')[lineOf('totalPrice()') + 1];
  expect(line).toMatch(/^ {4}const items = /);
  expect(line?.slice('    const items = '.length)).toContain(accepted.trim());
});

test('a language server that was killed comes back and completes again', async () => {
  const { page } = workbench;
  const [before] = languageServers();
  expect(before).toBeDefined();

  process.kill(before ?? 0, 'SIGKILL');
  await expect.poll(() => languageServers().filter((pid) => pid !== before)).toHaveLength(1);
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await goTo(page, lineOf('totalQuantity()') + 1, 100);

  expect(await typeAndAccept('const items = ', 'test/output/after-restart.png')).not.toBe('');
});

/** Types on a new line below the cursor, takes what is suggested and saves; returns the suggestion's first line. */
async function typeAndAccept(text: string, picture: string): Promise<string> {
  const { page } = workbench;
  await page.keyboard.press('Enter');
  await page.keyboard.type(text);
  const suggested = await ghostText(page);
  await screenshot(page, picture);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+s');
  await expect.poll(saved).toContain(`${text}${suggested.trim()}`);
  return suggested;
}

function saved(): string {
  return readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
}

/** Line of the file, counted from 1, that holds `text`. */
function lineOf(text: string): number {
  return saved().slice(0, saved().indexOf(text)).split('\n').length;
}

/** Process ids of this workbench's language servers. */
function languageServers(): number[] {
  return processesWith(workbench.folder, 'dist/server.cjs');
}
