/**
 * The counts of each day in files of the extension's own folder, one file for each window: windows never write over each
 * other. They stay on this machine: nothing sends them, and they are not part of what the editor synchronises.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Counts, isCounts, noCounts, sumOf } from '../../media/statistics/counts.ts';
import type { Days } from '../../media/statistics/messages.ts';

export interface StatisticsStore {
  /** Changes the counts of today. */
  count(change: (today: Counts) => void): void;
  /** All windows of the last `DAYS_KEPT` days, what is not written yet included. */
  read(): Promise<Days>;
  /** Forgets everything, of other windows too. */
  wipe(): Promise<void>;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
}

/** Older days are dropped when their file is written or read. */
export const DAYS_KEPT = 90;
const WRITE_AFTER = 5_000;

/** `window` names this window's file; `now` is the time in milliseconds since 1970. */
export function createStatisticsStore(
  folder: string,
  window: string,
  failed: (error: unknown) => void,
  now: () => number = Date.now,
): StatisticsStore {
  const file = join(folder, `${window}.json`);
  /** Since the last writing. A file that another window wiped meanwhile begins anew with these. */
  let pending: Days = {};
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const added = pending;
    if (Object.keys(added).length === 0) return;
    pending = {};
    try {
      await mkdir(folder, { recursive: true });
      const days = merged([await daysOf(file), added], now());
      await writeFile(`${file}.partial`, JSON.stringify({ format: 1, days }));
      await rename(`${file}.partial`, file);
    } catch (error) {
      pending = merged([added, pending], now());
      failed(error);
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  }

  return {
    count(change) {
      const today = dayOf(now());
      const counts = pending[today] ?? noCounts();
      change(counts);
      pending[today] = counts;
      timer ??= setTimeout(() => void flush(), WRITE_AFTER);
    },
    async read() {
      await flush();
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
      return merged(await Promise.all(names.map((name) => daysOf(join(folder, name)))), now());
    },
    async wipe() {
      await flush();
      pending = {};
      await rm(folder, { recursive: true, force: true });
    },
    flush,
  };
}

/** A file that is missing or damaged counts as empty. */
async function daysOf(file: string): Promise<Days> {
  try {
    const { format, days } = JSON.parse(await readFile(file, 'utf8')) as { format: unknown; days: unknown };
    if (format !== 1 || typeof days !== 'object' || days === null) return {};
    return Object.fromEntries(
      Object.entries(days)
        // What a file of an earlier version does not count yet is none.
        .map(([day, counts]) => [day, { ...noCounts(), ...counts }] as const)
        .filter(([day, counts]) => /^\d{4}-\d\d-\d\d$/.test(day) && isCounts(counts)),
    );
  } catch {
    return {};
  }
}

function merged(all: Days[], now: number): Days {
  const oldest = dayOf(now - DAYS_KEPT * 86_400_000);
  const days: Days = {};
  for (const [day, counts] of all.flatMap((each) => Object.entries(each))) {
    if (day > oldest) days[day] = sumOf(days[day] ?? noCounts(), counts);
  }
  return days;
}

/** As `2026-01-31`, in local time. */
export function dayOf(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
