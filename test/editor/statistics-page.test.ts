/** The statistics page alone, in a real browser under the policy that it has in the editor. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { countLatency, noCounts } from '../../media/statistics/counts.ts';
import type { FromPage, ToPage } from '../../media/statistics/messages.ts';
import { seriousFaults } from './accessibility.ts';
import { barePage, openBrowser } from './bare-page.ts';
import { screenshot } from './browser-page.ts';

let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 760, height: 640 } });
  await page.setContent(await barePage('statistics', 'Cloze Statistics'));
});

/** Two days ago and today, half of the day's suggestions taken. */
function days(): ToPage {
  const earlier = {
    ...noCounts(),
    shown: 3,
    accepted: 1,
    characters: 640,
    typed: 150,
    typing: 30_000,
    looked: [1, 1, 1],
    kept: [1, 1, 0],
  };
  const today = {
    ...noCounts(),
    shown: 10,
    accepted: 4,
    partly: 1,
    characters: 123,
    looked: [4, 2, 0],
    kept: [3, 1, 0],
  };
  for (const time of [12, 14, 30, 600]) countLatency(today.latency.total, time);
  return { type: 'days', today: '2026-01-31', days: { '2026-01-29': earlier, '2026-01-31': today } };
}

const send = (message: unknown) => page.evaluate((sent) => window.postMessage(sent, '*'), message);
const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) });

test('shows what became of suggestions, by period', async () => {
  await send({ ...days(), days: { '2026-01-31': { shown: -1 } } });
  await send(days());
  await row('Accepted whole').waitFor();
  const cells = async (name: string) => row(name).getByRole('cell').allInnerTexts();
  expect(await cells('Suggestions shown')).toEqual(['10', '13', '13']);
  expect(await cells('Accepted whole')).toEqual(['4 (40 %)', '5 (38 %)', '5 (38 %)']);
  expect(await cells('Kept after 5 minutes')).toEqual(['1 of 2 (50 %)', '2 of 3 (67 %)', '2 of 3 (67 %)']);
  expect(await cells('Kept after an hour')).toEqual(['–', '0 of 1 (0 %)', '0 of 1 (0 %)']);
  // 200 ms a letter, 119 and 758 of them.
  expect(await cells('Time saved, estimated')).toEqual(['24 s', '3 min', '3 min']);
  expect(await page.locator('main').innerText()).toContain('at your own pace of 200 ms a letter');
  expect(await cells('All of the call')).toEqual(['4', '20 ms', '1000 ms']);
  await screenshot(page, 'test/output/statistics.png');
});

test('asks for what its buttons say', async () => {
  for (const name of ['Refresh', 'Export as JSON', 'Wipe']) await page.getByRole('button', { name }).click();
  const said = await page.evaluate(() => (window as unknown as { said: FromPage[] }).said);
  expect(said.map(({ type }) => type)).toEqual(['ready', 'refresh', 'export', 'wipe']);
});

test('has no serious accessibility fault, and speaks Chinese', async () => {
  await send(days());
  await row('Accepted whole').waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await page.setContent(await barePage('statistics', 'Cloze', 'zh-cn'));
  await send(days());
  await page.getByRole('row', { name: /^全部接受 / }).waitFor();
  expect(await page.locator('main').innerText()).not.toMatch(/Accepted|Suggestions|Wipe/);
});
