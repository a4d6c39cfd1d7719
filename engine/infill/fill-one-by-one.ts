/**
 * Fills several blanks with a causal model, which knows one at a time: each sees the text with the spans that are filled
 * so far, and nothing where a blank is still open.
 */
import { type BlanksFill, type BlanksPassage, draftedFirst, type FilledBlank, fillOrder } from './blanks.ts';
import type { Fill, FillOptions, Model } from './fill.ts';
import { fillBlank } from './infill.ts';

/** As `fillBlanks`. Throws RangeError when there is nothing to fill; `AbortError` when `signal` fires. */
export async function fillOneByOne(
  model: Model,
  { texts, blanks, order, ...passage }: BlanksPassage,
  options: FillOptions,
  signal?: AbortSignal,
): Promise<BlanksFill> {
  const started = performance.now();
  const spans = blanks.map(({ state, forced }) => (state === 'kept' ? forced : ''));
  const filled = new Map<number, FilledBlank>();
  const fills: Fill[] = [];

  const fillAt = (index: number): Promise<Fill> => {
    const { forced, lines } = blanks[index] as BlanksPassage['blanks'][number];
    const joined = (from: number, to: number) =>
      texts
        .slice(from, to)
        .map((text, at) => (at === 0 ? '' : (spans[from + at - 1] as string)) + text)
        .join('');
    return fillBlank(
      model,
      { ...passage, before: joined(0, index + 1), after: joined(index + 1, texts.length), forced },
      { ...options, seed: options.seed + index, ...(lines === undefined ? {} : { lines }) },
      signal ? { signal, stopsReading: true } : {},
    );
  };

  const drafts = new Map<number, Fill>();
  for (const index of draftedFirst({ blanks, ...(order ? { order } : {}) })) drafts.set(index, await fillAt(index));
  for (const index of fillOrder(blanks, drafts)) {
    const { state, forced } = blanks[index] as BlanksPassage['blanks'][number];
    if (state === 'kept') {
      filled.set(index, { text: '', tokens: [], finish: 'kept', confidence: 1 });
      continue;
    }
    const fill = await fillAt(index);
    spans[index] = forced + fill.text;
    const { text, tokens, finish, confidence } = fill;
    filled.set(index, { text, tokens, finish, confidence });
    fills.push(fill);
  }
  const last = fills.at(-1);
  if (!last) throw new RangeError('There is no blank to fill: all of them are kept.');
  const sum = (value: (fill: Fill) => number) => fills.reduce((total, fill) => total + value(fill), 0);
  return {
    blanks: blanks.map((_, index) => filled.get(index) as FilledBlank),
    order: [...filled.keys()],
    timings: {
      tokenize: sum(({ timings }) => timings.tokenize),
      read: sum(({ timings }) => timings.read),
      extend: sum(({ timings }) => timings.extend),
      total: performance.now() - started,
    },
    partA: last.partA,
    partB: sum(({ partB }) => partB),
    device: last.device,
    ...(blanks.length > 1 ? { oneByOne: true as const } : {}),
  };
}
