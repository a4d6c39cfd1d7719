/**
 * Fills several blanks of one text: Part A with a mask for each is read once, then the spans follow one another in the
 * same session, each with `sop` at its own mask's position and block positions from 1. Keeps nothing open.
 */
import { type PartA, partA, spanPositions } from '../objective/blank-infilling.ts';
import type { Session } from '../runtime/runtime.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import {
  type Blank,
  type BlanksFill,
  type BlanksPassage,
  draftedFirst,
  type FilledBlank,
  fillOrder,
} from './blanks.ts';
import { fillOpenBlank } from './decode.ts';
import { type CachePassage, textCaches } from './document-cache.ts';
import type { Fill, FillOptions, Model } from './fill.ts';
import { fillOneByOne } from './fill-one-by-one.ts';
import { BESIDE_SPAN, checkOptions, FORCED_SHARE, GENERATED_SHARE, shortenForced } from './infill.ts';
import { HOLE } from './like-places.ts';
import { around, followingBytes, LEAST_PART_A, maskToken, type OpenBlank, openSpan } from './open-blank.ts';
import { blanksTokens } from './passage.ts';

/** A span with less room is not worth a blank. */
const LEAST_SPAN = 4;

/**
 * `options.maxTokens` and `timeLimit` count for each blank; where the model is too short for all of them, each gets the
 * same smaller share. Given text that would take more than its share of the model is read as text instead of as a span.
 * Throws RangeError for a passage that cannot be filled whatever its text is; `AbortError` when `signal` fires.
 */
export async function fillBlanks(
  model: Model,
  passage: BlanksPassage,
  options: FillOptions,
  signal?: AbortSignal,
): Promise<BlanksFill> {
  if (model.prompt) return fillOneByOne(model, passage, options, signal);
  const started = performance.now();
  checkOptions(options);
  const { runtime, tokenizer } = model;
  const { config } = runtime;
  const plan = planSpans(tokenizer, passage, config.maxLength, options.maxTokens);
  const reserve = plan.spans.reduce((sum, { places }) => sum + places, 0);
  const budget = Math.min(
    Math.max(LEAST_PART_A, options.contextTokens ?? config.maxLength),
    config.maxLength - reserve,
  );
  const layout = blanksTokens(tokenizer, { ...passage, texts: plan.texts }, budget);
  const places = layout.blanks.map((at) => ({ start: at, end: at }));
  const rows = partA(layout.text, places, maskToken(tokenizer.special, passage.kind));
  const tokenized = performance.now();

  signal?.throwIfAborted();
  const session = runtime.open(rows.tokens.length + reserve);
  try {
    await session.read(rows, signal);
    const read = performance.now();
    const filled = await fillSpans(model, session, rows, passage, plan.spans, options, signal);
    const ended = performance.now();
    return {
      blanks: passage.blanks.map((blank, index) => filled.get(index) ?? asText(blank)),
      order: [...filled.keys()],
      timings: {
        tokenize: tokenized - started,
        read: read - tokenized,
        extend: ended - read,
        total: ended - started,
      },
      partA: rows.tokens.length,
      partB: session.length - rows.tokens.length,
      device: runtime.device,
    };
  } finally {
    session.dispose();
  }
}

/** A blank that has its span in Part B. */
interface PlannedSpan extends Blank {
  /** Which of the passage's blanks it is. */
  index: number;
  /** Tokens of the span that may be generated; 0 for a kept one. */
  generated: number;
  /** Tokens of Part B that are set apart for it, `sop` included. */
  places: number;
}

/** Decides what becomes a span and how long it may be; given text beyond its share goes into the texts. */
function planSpans(tokenizer: Tokenizer, { texts, blanks }: BlanksPassage, maxLength: number, maxTokens: number) {
  const wanted = blanks.filter(({ state }) => state !== 'kept').length;
  if (wanted === 0) throw new RangeError('There is no blank to fill: all of them are kept.');
  if (texts.length !== blanks.length + 1) {
    throw new RangeError(`${blanks.length} blanks need ${blanks.length + 1} texts around them, not ${texts.length}.`);
  }
  const generated = Math.min(maxTokens, Math.floor((maxLength * GENERATED_SHARE) / wanted));
  let given = Math.floor(maxLength * FORCED_SHARE);
  const asSpan = blanks.map(({ state, forced }) => {
    const length = state === 'kept' ? tokenizer.encode(forced).length : 0;
    if (length > given) return false;
    given -= length;
    return true;
  });

  const around = [texts[0] as string];
  const spans: PlannedSpan[] = [];
  for (const [index, blank] of blanks.entries()) {
    const next = texts[index + 1] as string;
    if (!asSpan[index]) {
      around.push(`${around.pop()}${blank.forced}${next}`);
      continue;
    }
    const kept = blank.state === 'kept';
    const whole = { moved: '', forced: blank.forced };
    const { moved, forced } = kept ? whole : shortenForced(tokenizer, blank.forced, Math.floor(given / wanted));
    around.push(`${around.pop()}${moved}`, next);
    const places = tokenizer.encode(forced).length + (kept ? 0 : generated) + BESIDE_SPAN;
    spans.push({ ...blank, index, forced, generated: kept ? 0 : generated, places });
  }
  const reserve = spans.reduce((sum, { places }) => sum + places, 0);
  if (generated < Math.min(maxTokens, LEAST_SPAN) || reserve + LEAST_PART_A + spans.length > maxLength) {
    throw new RangeError(
      `${blanks.length} blanks do not fit into a model of ${maxLength} tokens: fill fewer of them at once.`,
    );
  }
  return { texts: around, spans };
}

/** Feeds or fills the spans in their order; the result is in that order, by the passage's index. */
async function fillSpans(
  model: Model,
  session: Session,
  rows: PartA,
  passage: BlanksPassage,
  spans: readonly PlannedSpan[],
  options: FillOptions,
  signal?: AbortSignal,
): Promise<Map<number, FilledBlank>> {
  const { tokenizer, runtime } = model;
  const positions = spanPositions(runtime.config.positions, passage.kind);
  const filled = new Map<number, FilledBlank>();

  const openAt = (which: number): OpenBlank => {
    const span = spans[which] as PlannedSpan;
    const text = aroundBlank(passage, filled, span.index);
    return openSpan(model, session, {
      partA: rows.tokens.length,
      mask: rows.masks[which] as number,
      places: span.places,
      start: tokenizer.special.sop,
      positions,
      caches: textCaches(tokenizer, { ...text, path: passage.path }, model.memory),
      following: followingBytes(text.after),
      surroundings: around(rows.tokens, rows.masks[which] as number),
      timings: { tokenize: 0, read: 0 },
    });
  };
  const fillIn = (blank: OpenBlank, { forced, generated, index, lines }: PlannedSpan): Promise<Fill> =>
    fillOpenBlank(
      blank,
      forced,
      { ...options, maxTokens: generated, seed: options.seed + index, ...(lines === undefined ? {} : { lines }) },
      signal ? { signal } : {},
    );

  const isKept = (which: number) => spans[which]?.state === 'kept';
  for (const which of fillOrder(spans).filter(isKept)) {
    const { index, forced } = spans[which] as PlannedSpan;
    filled.set(index, await keep(openAt(which), tokenizer.encode(forced), signal));
  }
  const begin = session.length;
  const drafts = new Map<number, Fill>();
  for (const which of draftedFirst({ ...passage, blanks: spans })) {
    drafts.set(which, await fillIn(openAt(which), spans[which] as PlannedSpan));
    session.rewind(begin);
  }
  const order = fillOrder(spans, drafts).filter((which) => !isKept(which));
  for (const which of order) {
    const span = spans[which] as PlannedSpan;
    const blank = openAt(which);
    const fill = await fillIn(blank, span);
    if (which !== order.at(-1) && fill.finish !== 'eop') {
      await blank.feed(spanTokens(tokenizer, span.forced, fill).slice(0, blank.places - 1), signal);
    }
    filled.set(span.index, pick(fill));
  }
  return filled;
}

/** The passage's text on both sides of a blank, the other blanks as far as they are filled. */
function aroundBlank(
  { texts, blanks, neighbours }: BlanksPassage,
  filled: ReadonlyMap<number, FilledBlank>,
  index: number,
): CachePassage {
  const stretch = (from: number, to: number) =>
    texts
      .slice(from, to)
      .map((text, i) =>
        i === 0 ? text : `${spanText(blanks[from + i - 1] as Blank, filled.get(from + i - 1))}${text}`,
      )
      .join('');
  return { before: stretch(0, index + 1), after: stretch(index + 1, texts.length), neighbours };
}

function spanText({ state, forced }: Blank, filled: FilledBlank | undefined): string {
  return `${forced}${filled?.text ?? (state === 'kept' ? '' : HOLE)}`;
}

async function keep(blank: OpenBlank, tokens: readonly number[], signal?: AbortSignal): Promise<FilledBlank> {
  const { logProbabilities } = await blank.feed(tokens, signal);
  const { tokenizer } = blank.model;
  return {
    text: '',
    tokens: tokens.map((id, index) => ({
      id,
      text: tokenizer.decode([id]),
      logProbability: logProbabilities[index] as number,
      forced: true,
    })),
    finish: 'kept',
    confidence: 1,
  };
}

/** What the next spans are to see: a span that was stopped ends in the middle of a token, or before its last one. */
function spanTokens(tokenizer: Tokenizer, forced: string, fill: Fill): number[] {
  const bytes = new TextEncoder().encode(forced + fill.text);
  const tokens: number[] = [];
  let length = 0;
  for (const { id } of fill.tokens) {
    const next = length + tokenizer.bytes(id).length;
    if (next > bytes.length) break;
    tokens.push(id);
    length = next;
  }
  return [...tokens, ...tokenizer.encodeBytes(bytes.subarray(length))];
}

function pick({ text, tokens, finish, confidence }: Fill): FilledBlank {
  return { text, tokens, finish, confidence };
}

/** A kept blank that was read as a part of the text: there is no span, so no tokens. */
function asText({ state }: Blank): FilledBlank {
  if (state !== 'kept') throw new Error('A blank that was to be filled has no span.');
  return { text: '', tokens: [], finish: 'kept', confidence: 1 };
}
