/** The page of the Lens alone, in a real browser under the policy that it has in the editor. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FillTrace } from '../../language-server/protocol.ts';
import type { FromPage } from '../../media/lens/messages.ts';
import { sampleTrace } from '../unit/lens/trace.ts';
import { seriousFaults } from './accessibility.ts';
import { barePage, openBrowser } from './bare-page.ts';
import { screenshot } from './browser-page.ts';

const HOSTILE = '<img src=x onerror="document.title=1">\u202e<script>document.title=1</script>';

let browser: Browser;
let page: Page;
let html: string;

beforeAll(async () => {
  browser = await openBrowser();
  html = await barePage('lens', 'Lens');
});
afterAll(() => browser?.close());

beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 800, height: 1200 } });
  await page.setContent(html);
});

const send = (trace: unknown) =>
  page.evaluate((sent) => window.postMessage({ type: 'trace', trace: sent }, '*'), trace);
const said = () => page.evaluate(() => (window as unknown as { said: FromPage[] }).said);
const chips = (part: string) => page.getByRole('listbox', { name: part }).getByRole('option');
async function show(trace: FillTrace): Promise<void> {
  await send(trace);
  await chips('Part A').first().waitFor();
}

describe('the page', () => {
  test('says that it is ready, and waits for a trace', async () => {
    expect(await said()).toEqual([{ type: 'ready' }]);
    expect(await page.locator('main').innerText()).toContain('Nothing has been completed yet');
    await send({ format: 1, partA: 'wrong' });
    await send(null);
    expect(await chips('Part A').count()).toBe(0);
  });

  test('shows both parts with both positions, where tokens came from, and their probabilities', async () => {
    await show(sampleTrace());
    await screenshot(page, 'test/output/lens-page.png');
    expect(await chips('Part A').allInnerTexts()).toEqual(['x\n0 / 0', '[sMASK]\n1 / 0', 'x\n2 / 0']);
    expect(await chips('Part B').allInnerTexts()).toEqual([
      '<|startofpiece|>\n1 / 1\ngiven, cached',
      'a\n1 / 2\n22.3 %\nforced, cached',
      'x\n1 / 3\n77.9 %\npredicted',
      '<|endofpiece|>\n–\n88.2 %\npredicted, not read',
    ]);
    expect(await page.locator('main').innerText()).toContain('none of its 3 tokens was read again');
  });

  test('treats what files hold as text', async () => {
    await show(sampleTrace(HOSTILE));
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('Lens');
    expect(await page.locator('main').innerText()).not.toContain('\u202e');
  });

  test('steps through the generation by the keyboard alone', async () => {
    await show(sampleTrace());
    const output = page.locator('output');
    expect(await output.innerText()).toBe('Step 3 of 3: <|endofpiece|>');
    await page.getByRole('slider', { name: 'Step' }).focus();
    await page.keyboard.press('ArrowLeft');
    expect(await output.innerText()).toBe('Step 2 of 3: x');
    expect(await page.locator('.rivals tbody tr').allInnerTexts()).toHaveLength(2);
    expect((await page.locator('.rivals tbody tr').allInnerTexts()).map((row) => row.trim())).toEqual([
      'x (chosen)\t77.9 %\t30.0 %',
      'x\t13.5 %\t10.0 %',
    ]);
    expect(await page.locator('.details').innerText()).toContain('At this step 40.0 % of all probability goes to');
    await screenshot(page, 'test/output/lens-page-document.png');
    await page.keyboard.press('Home');
    expect(await output.innerText()).toBe('Step 1 of 3: a');
    expect(await page.locator('.details').innerText()).toContain('It was typed, not chosen');
    expect(await page.locator('.details').innerText()).toContain('Rivals are noted while the Lens is open');
    await chips('Part B').nth(1).focus();
    await page.keyboard.press('End');
    expect(await output.innerText()).toBe('Step 3 of 3: <|endofpiece|>');
    expect(await page.locator('.chip[tabindex="0"]').count()).toBe(2);
  });

  test('tells who sees whom, on the matrix and in the lists', async () => {
    await show(sampleTrace());
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('.cell').innerText()).toBe('Row 5 (x) sees column 1 ([sMASK]).');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await page.locator('.cell').innerText()).toBe('Row 4 (a) does not see column 5 (x).');
    expect(await page.locator('.chip.pointed').count()).toBe(2);
    const unseen = page.locator('.chip.unseen');
    expect(await unseen.count()).toBe(0);
    await page.getByRole('radio', { name: 'GPT' }).check();
    expect(await page.locator('.sentence').innerText()).toContain('only what comes before');
    expect(await page.locator('.sentence').innerText()).toContain('Here 1 token after the cursor would be out of view');
    expect(await page.locator('.summary').innerText()).toContain('GPT: 4 rows in all.');
    await page.getByRole('radio', { name: 'BERT' }).check();
    expect(await page.locator('.summary').innerText()).toContain('2 rows of the span, seeing 4 tokens');
  });

  test('has no serious accessibility fault', async () => {
    await show(sampleTrace());
    expect(await seriousFaults(page)).toEqual([]);
  });

  test('speaks Chinese, and leaves tokens as they are', async () => {
    await page.setContent(await barePage('lens', 'Lens', 'zh-cn'));
    await send(sampleTrace());
    await page.getByRole('listbox', { name: 'A 部分' }).getByRole('option').first().waitFor();
    await screenshot(page, 'test/output/lens-page-zh.png');
    const text = await page.locator('main').innerText();
    expect(text).toContain('谁能看到谁');
    expect(text).toContain('[sMASK]');
    expect(text).not.toMatch(/Part [AB]|tokens|position|Step/);
  });

  test('moves nothing for those who want no motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await show(sampleTrace());
    const moving = await page.evaluate(() => {
      const times = [...document.querySelectorAll('*')].flatMap((each) =>
        getComputedStyle(each).transitionDuration.split(', '),
      );
      return document.getAnimations().length + times.filter((time) => time !== '0s').length;
    });
    expect(moving).toBe(0);
  });

  test('keeps a fill while others come, and goes on with the newest', async () => {
    await show(sampleTrace('one'));
    const keep = page.getByRole('checkbox', { name: 'Keep this fill' });
    await keep.check();
    await send(sampleTrace('two'));
    await send(sampleTrace('three'));
    expect(await page.locator('.head').innerText()).toContain('model one');
    await keep.uncheck();
    expect(await page.locator('.head').innerText()).toContain('model three');
  });

  test('hands over what it shows, as JSON and as a picture', async () => {
    const trace = sampleTrace(HOSTILE);
    await show(trace);
    await page.getByRole('button', { name: 'Copy as JSON' }).click();
    await page.getByRole('button', { name: 'Save as SVG' }).click();
    const [, copied, saved] = await said();
    expect(JSON.parse((copied as { text: string }).text)).toEqual(trace);
    const parsed = await page.evaluate(
      (svg) => {
        const read = new DOMParser().parseFromString(svg, 'image/svg+xml');
        return { errors: read.querySelectorAll('parsererror').length, scripts: read.querySelectorAll('script').length };
      },
      (saved as { svg: string }).svg,
    );
    expect(parsed).toEqual({ errors: 0, scripts: 0 });
  });
});
