/** What the editor's own language services know of the names near the cursor, in what the model reads. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTokenizer } from '../../engine/tokenizer/load.ts';
import { focusEditor, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const DECLARED = `/** Never opened. */
export function makeShelf(label: string, unusualCapacity: number): { label: string; unusualCapacity: number } {
  return { label, unusualCapacity };
}
`;

let workbench: Workbench;

beforeAll(async () => {
  const prepare = (workspace: string) => {
    writeFileSync(join(workspace, 'warehouse.ts'), DECLARED);
    const file = join(workspace, 'inventory.ts');
    writeFileSync(file, `import { makeShelf } from './warehouse';\n\n${readFileSync(file, 'utf8')}`);
  };
  workbench = await openWorkbench(process.cwd(), {}, { prepare });
});
afterAll(() => workbench?.dispose());

test('the declaration of a function in a file that was never opened is read, once typing pauses', async () => {
  const { page, workspace } = workbench;
  const { tokenizer } = await loadTokenizer('engine/embedded-model/tokenizer.json');
  const lines = readFileSync(join(workspace, 'inventory.ts'), 'utf8').split('\n');
  const line = lines.findIndex((each) => each.includes('totalPrice()')) + 1;
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  await runCommand(page, 'Cloze: Open the Lens');
  const lens = page.frameLocator('iframe.webview').frameLocator('iframe#active-frame');
  await lens.getByText('Nothing has been completed yet').waitFor();
  await focusEditor(page);
  await goTo(page, line, 100);

  const partA = lens.getByRole('listbox', { name: 'Part A' }).getByRole('option');
  const readAfterNextLine = async () => {
    await page.keyboard.press('Enter');
    await page.keyboard.type('const shelf = makeShelf(name, ');
    // The declaration is looked for while nothing is typed, and read with the next letter.
    await page.waitForTimeout(1500);
    await page.keyboard.type('3 + ');
    await page.keyboard.press('Alt+\\');
    await partA.first().waitFor();
    return tokenizer.decode(await partA.evaluateAll((chips) => chips.map((chip) => Number(chip.dataset.id))));
  };
  await expect.poll(readAfterNextLine, { interval: 1000 }).toContain('unusualCapacity');
  await screenshot(page, 'test/output/declarations.png');
});
