import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createStatisticsStore, DAYS_KEPT } from '../../../extension/statistics/store.ts';
import { type Counts, countLatency, LATENCY_ENDS, noCounts, quantile } from '../../../media/statistics/counts.ts';

const root = mkdtempSync(join(tmpdir(), 'cloze-statistics-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NOON = new Date(2026, 0, 31, 12).getTime();
const fail = (error: unknown) => {
  throw error;
};
const shown = (counts: Counts) => {
  counts.shown++;
};
const opened = (folder: string, window: string, now = () => NOON) =>
  createStatisticsStore(join(root, folder), window, fail, now);

it('adds windows up, and forgets all of them when wiped', async () => {
  const [one, two] = [opened('windows', 'one'), opened('windows', 'two')];
  one.count(shown);
  await one.flush();
  one.count(shown);
  two.count(shown);
  await two.flush();
  expect((await one.read())['2026-01-31']?.shown).toBe(3);

  await two.wipe();
  expect(await one.read()).toEqual({});
  one.count(shown);
  expect((await two.read())['2026-01-31']).toBeUndefined();
  await one.flush();
  expect((await two.read())['2026-01-31']?.shown).toBe(1);
  expect(readdirSync(join(root, 'windows'))).toEqual(['one.json']);
});

it('keeps the last days only', async () => {
  let now = NOON;
  const store = opened('days', 'one', () => now);
  store.count(shown);
  now += 86_400_000;
  store.count(shown);
  expect(Object.keys(await store.read())).toEqual(['2026-01-31', '2026-02-01']);
  now = NOON + DAYS_KEPT * 86_400_000;
  expect(Object.keys(await store.read())).toEqual(['2026-02-01']);
});

it('writes numbers and days, nothing else', async () => {
  const store = opened('numbers', 'one');
  store.count((counts) => countLatency(counts.latency.total, 12));
  await store.flush();
  const { format, days } = JSON.parse(readFileSync(join(root, 'numbers/one.json'), 'utf8'));
  expect([format, Object.keys(days)]).toEqual([1, ['2026-01-31']]);
  expect(JSON.stringify(Object.values(days)).replace(/"\w+":|[\d,:[\]{}]/g, '')).toBe('');
});

it('takes what an earlier version did not count for none', async () => {
  const store = opened('earlier', 'one');
  const { typed, typing, ...earlier } = { ...noCounts(), shown: 7 };
  mkdirSync(join(root, 'earlier'), { recursive: true });
  writeFileSync(join(root, 'earlier/one.json'), JSON.stringify({ format: 1, days: { '2026-01-31': earlier } }));
  expect((await store.read())['2026-01-31']).toMatchObject({ shown: 7, typed, typing });
});

it.each([
  'not JSON',
  '{"format":2,"days":{}}',
  '{"format":1,"days":{"2026-01-31":{"shown":-1}}}',
  '{"format":1,"days":7}',
])('counts a damaged file as empty: %s', async (text) => {
  const store = opened('damaged', 'one');
  store.count(shown);
  await store.flush();
  writeFileSync(join(root, 'damaged/one.json'), text);
  expect(await store.read()).toEqual({});
  store.count(shown);
  expect((await store.read())['2026-01-31']?.shown).toBe(1);
  await store.wipe();
});

it('finds the bucket below which a share of the calls lies', () => {
  const buckets = noCounts().latency.total;
  expect(quantile(buckets, 0.5)).toBeUndefined();
  for (const time of [3, 4, 40, 41, 42, 9000]) countLatency(buckets, time);
  expect(buckets).toHaveLength(LATENCY_ENDS.length + 1);
  expect(quantile(buckets, 0.3)).toEqual({ below: 5 });
  expect(quantile(buckets, 0.5)).toEqual({ below: 50 });
  expect(quantile(buckets, 1)).toEqual({ above: 5000 });
});
