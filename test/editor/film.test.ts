/**
 * Not a test of anything: takes the pictures for the animation in the README, one for each thing that a person does.
 * CLOZE_FILM=1 npx vitest run --project editor test/editor/film.test.ts, then img2webp (Debian: apt-get install webp) with
 * the arguments that it prints.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ghostText, goTo, openFile, statusLabel } from './browser-page.ts';
import { openWorkbench } from './workbench.ts';

const FOLDER = 'test/output/film';
const FILE = `export interface Item {
  price: number;
  quantity: number;
}

export class Inventory {
  private items = new Map<string, Item>();

  totalPrice(): number {
    let total = 0;
    for (const item of this.items.values()) {
      total += item.price * item.quantity;
    }
    return total;
  }

  totalQuantity(): number {
    let total = 0;
  }

  itemCount(): number {
    let total = …;
    for (…) {
      total += 1;
    }
    return …;
  }
}
`;

test.skipIf(!process.env.CLOZE_FILM)('the pictures of the animation', { timeout: 280_000 }, async () => {
  const prepare = (workspace: string) => writeFileSync(join(workspace, 'prices.ts'), FILE);
  const workbench = await openWorkbench(process.cwd(), { 'editor.minimap.enabled': false }, { prepare });
  const { page } = workbench;
  const pictures: [file: string, milliseconds: number][] = [];
  const picture = async (milliseconds: number) => {
    const path = join(FOLDER, `${String(pictures.length).padStart(3, '0')}.png`);
    const clip = { x: 48, y: 28, width: 860, height: 640 };
    pictures.push([path, milliseconds]);
    await page.screenshot({ path, clip, scale: 'css', caret: 'initial' });
  };
  try {
    mkdirSync(FOLDER, { recursive: true });
    await openFile(page, 'prices.ts');
    await statusLabel(page, 'Cloze: Ready').waitFor();
    await page.keyboard.press('Control+b');
    await goTo(page, 18, 100);
    await page.keyboard.press('Enter');
    await picture(900);
    for (const letter of 'for ') {
      await page.keyboard.type(letter);
      await picture(160);
    }
    expect(await ghostText(page)).not.toBe('');
    await picture(1400);
    await page.keyboard.press('Tab');
    await picture(1200);
    await page.keyboard.press('Escape');
    // The method with the holes, below the loop that was taken.
    await goTo(page, 25, 1);
    for (let step = 0; step < 6; step++) {
      await page.keyboard.press('Shift+ArrowDown');
      await picture(120);
    }
    await page.keyboard.press('Control+Alt+Space');
    await page.locator('.codelens-decoration a', { hasText: 'Keep All' }).first().waitFor();
    await page.waitForTimeout(500);
    await picture(2600);
    await page.keyboard.press('Alt+Enter');
    await page.locator('.codelens-decoration a', { hasText: 'Keep All' }).first().waitFor({ state: 'detached' });
    await picture(2000);
    const frames = pictures.map(([path, milliseconds]) => `-d ${milliseconds} ${path}`).join(' ');
    console.log(`img2webp -loop 0 -lossy -q 80 ${frames} -o media/animation.webp`);
  } finally {
    await workbench.dispose();
  }
});
