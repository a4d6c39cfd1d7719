/** The statistics page: what became of the suggestions on this machine, and how long the model took. */
import { button, element, section } from '../element.ts';
import { t } from '../l10n.ts';
import { type Counts, noCounts, paceOf, quantile, STAGES, type Stage, sumOf, timeSaved } from './counts.ts';
import { type Days, type FromPage, isToPage } from './messages.ts';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const host = acquireVsCodeApi();
const say = (type: FromPage['type']) => () => host.postMessage({ type });

/** Columns: so many days up to today. */
const PERIODS: [days: number, name: string][] = [
  [1, t('Today')],
  [7, t('7 days')],
  [90, t('90 days')],
];
const STAGE_NAMES: Record<Stage, string> = {
  tokenize: t('Text to tokens'),
  read: t('Reading Part A'),
  extend: t('Writing Part B'),
  total: t('All of the call'),
};

/** `pace`: milliseconds for a typed letter, where that is known. */
const measures: [name: string, of: (counts: Counts, pace: number | undefined) => string][] = [
  [t('Suggestions shown'), ({ shown }) => String(shown)],
  [t('Accepted whole'), ({ accepted, shown }) => share(accepted, shown)],
  [t('Accepted in part'), ({ partly, shown }) => share(partly, shown)],
  [t('Characters accepted whole'), ({ characters }) => String(characters)],
  [t('Kept after 30 seconds'), (counts) => kept(counts, 0)],
  [t('Kept after 5 minutes'), (counts) => kept(counts, 1)],
  [t('Kept after an hour'), (counts) => kept(counts, 2)],
  [t('Time saved, estimated'), (counts, pace) => (pace === undefined ? '–' : time(timeSaved(counts, pace)))],
];

const figures = element('div');
document
  .getElementById('statistics')
  ?.append(
    element('h1', {}, t('Cloze Statistics')),
    element(
      'p',
      {},
      t(
        'Counted on this machine and kept here for 90 days: numbers, no text and no names of files. Nothing sends them.',
      ),
    ),
    element(
      'div',
      { class: 'tools' },
      button(t('Refresh'), say('refresh')),
      button(t('Export as JSON'), say('export')),
      button(t('Wipe'), say('wipe')),
    ),
    figures,
  );

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isToPage(data)) show(data.days, data.today);
});
host.postMessage({ type: 'ready' });

function show(days: Days, today: string): void {
  const columns = PERIODS.map(([length, name]) => ({ name, counts: within(days, today, length) }));
  const all = columns.at(-1)?.counts ?? noCounts();
  const pace = paceOf(all);
  figures.replaceChildren(
    section(
      'suggestions',
      t('Suggestions'),
      table(
        [t('Measure'), ...columns.map(({ name }) => name)],
        measures.map(([name, of]) => [name, ...columns.map(({ counts }) => of(counts, pace))]),
      ),
      element(
        'p',
        { class: 'legend' },
        t('Shown: handed to the editor. Kept: unchanged but for white space, of those whose document was still open.'),
      ),
      element(
        'p',
        { class: 'legend' },
        pace === undefined
          ? t('Time saved: told once you have typed a hundred letters, from your own pace.')
          : t(
              'Time saved: typing what was accepted whole, but for one key each, at your own pace of {0} ms a letter. The time to read a suggestion is not taken off.',
              Math.round(pace),
            ),
      ),
    ),
    section(
      'latency',
      t('Time of the model, 90 days'),
      table(
        [t('Stage'), t('Calls'), t('Half take at most'), t('95 % take at most')],
        STAGES.map((stage) => {
          const buckets = all.latency[stage];
          const calls = buckets.reduce((sum, count) => sum + count, 0);
          return [STAGE_NAMES[stage], String(calls), latency(buckets, 0.5), latency(buckets, 0.95)];
        }),
      ),
      element('p', { class: 'legend' }, t('What is answered from memory calls no model and is not counted here.')),
    ),
  );
}

function within(days: Days, today: string, length: number): Counts {
  const [year = 0, month = 1, day = 1] = today.split('-').map(Number);
  const first = new Date(Date.UTC(year, month - 1, day - length + 1)).toISOString().slice(0, 10);
  return Object.entries(days)
    .filter(([each]) => each >= first)
    .reduce((sum, [, counts]) => sumOf(sum, counts), noCounts());
}

function table(names: string[], rows: string[][]): HTMLElement {
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...names.map((name) => element('th', { scope: 'col' }, name)))),
    element(
      'tbody',
      {},
      ...rows.map(([name = '', ...values]) =>
        element('tr', {}, element('th', { scope: 'row' }, name), ...values.map((value) => element('td', {}, value))),
      ),
    ),
  );
}

function share(part: number, whole: number): string {
  return whole === 0 ? String(part) : `${part} (${Math.round((100 * part) / whole)} %)`;
}

function kept({ kept: stands, looked }: Counts, index: number): string {
  const all = looked[index] ?? 0;
  return all === 0
    ? '–'
    : t('{0} of {1} ({2} %)', stands[index] ?? 0, all, Math.round((100 * (stands[index] ?? 0)) / all));
}

function latency(buckets: readonly number[], part: number): string {
  const found = quantile(buckets, part);
  if (!found) return '–';
  return 'below' in found ? t('{0} ms', found.below) : t('more than {0} ms', found.above);
}

function time(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return t('{0} s', seconds.toFixed(seconds < 10 ? 1 : 0));
  return seconds < 3600 ? t('{0} min', Math.round(seconds / 60)) : t('{0} h', (seconds / 3600).toFixed(1));
}
