/**
 * Beam search: the most probable whole spans instead of the most probable next token. All open spans are extended
 * together.
 */
import type { FinishReason } from './fill.ts';
import type { OpenBlank } from './open-blank.ts';
import { logProbabilityOf, mostProbableOf } from './sampling.ts';
import type { Outlook, SpanWriter } from './span-writer.ts';

/** A span that may still go on, in a session of its own. */
interface Hypothesis {
  blank: OpenBlank;
  writer: SpanWriter;
  logits: Float32Array;
  /** Log probability of all of its tokens; of one that was forced among those that agree with what was typed. */
  sum: number;
  /** Each of its tokens was the most probable one. */
  greedy: boolean;
}

interface Extension {
  parent: Hypothesis;
  /** What may come after the parent. */
  outlook: Outlook;
  id: number;
  sum: number;
  greedy: boolean;
}

export interface Found {
  writer: SpanWriter;
  finish: FinishReason;
}

/** What spans of different lengths are compared by, from the log probability of the span and its predicted tokens, the end too. */
export type Ranking = (sum: number, tokens: number) => number;

/**
 * log P(span) / ((5 + n) / 6): Wu et al. 2016, arXiv 1609.08144, equation 14 with alpha 1, as the original GLM has it for
 * XSum. For one span that is read as text; long ones would seldom win without it.
 */
export const lengthNormalized: Ranking = (sum, tokens) => sum / ((5 + tokens) / 6);

/** log P(span): for spans that are right or wrong as a whole, of which the user picks one. */
export const byProbability: Ranking = (sum) => sum;

export interface BeamOptions {
  /** Most spans that are followed at a time. */
  beams: number;
  /** Most spans that are found, each with a text of its own. */
  count: number;
  ranking: Ranking;
  /** The greedy span is followed to its end, and comes first whatever its rank. */
  greedyFirst?: boolean;
  maxTokens: number;
  /** When to stop with the best so far, in milliseconds as `performance.now` counts. */
  deadline: number;
}

/**
 * The greedy span where it is asked for, then the best of what was ended, best first, and after them, where they are too few, of what was begun; `blank` then holds all
 * of the first but its last token. It stops when no open span can win any more: more tokens only lower its sum, and none
 * has more than `maxTokens`.
 */
export async function searchBeams(
  blank: OpenBlank,
  writer: SpanWriter,
  logits: Float32Array,
  { beams, count, ranking, greedyFirst = false, maxTokens, deadline }: BeamOptions,
  signal?: AbortSignal,
): Promise<Found[]> {
  let open: Hypothesis[] = [{ blank: blank.fork(), writer, logits, sum: 0, greedy: greedyFirst }];
  let greedy: Scored | undefined;
  const others = greedyFirst ? Math.max(1, count - 1) : count;
  const ended = createBest(others);
  const begun = createBest(others);
  const canWin = (sum: number) => ended.takes(ranking(sum, maxTokens));
  const note = (best: Best, writer: SpanWriter, extension: Extension, finish: FinishReason) => {
    const span = { writer, finish, text: writer.text(), score: ranking(extension.sum, writer.predicted.length) };
    if (extension.greedy) greedy = span;
    else best.add(span);
  };

  try {
    while (open.length > 0) {
      signal?.throwIfAborted();
      const chosen: { extension: Extension; writer: SpanWriter; own: number }[] = [];
      for (const extension of extensions(open, beams)) {
        if (chosen.length === beams || !(extension.greedy || canWin(extension.sum))) break;
        const { parent, outlook, id } = extension;
        const next = parent.writer.fork();
        next.take(outlook, id);
        if (next.finish !== undefined) note(ended, next, extension, next.finish);
        else chosen.push({ extension, writer: next, own: logProbabilityOf(parent.logits, id) });
      }
      const over =
        performance.now() >= deadline ? 'time' : (open[0] as Hypothesis).blank.room === 0 ? 'capacity' : undefined;
      const going = chosen.filter(({ extension }) => extension.greedy || canWin(extension.sum));
      if (over !== undefined) for (const { writer: next, extension } of going) note(begun, next, extension, over);
      const followed = open;
      open = [];
      open = over === undefined ? await follow(followed, going, signal) : dropAll(followed);
    }
  } catch (error) {
    dropAll(open);
    throw error;
  }
  const all = [...(greedy ? [greedy] : []), ...ended.found, ...begun.found];
  const found = all.filter(({ text }, at) => all.findIndex((each) => each.text === text) === at).slice(0, count);
  const [best] = found;
  if (!best) throw new Error('No token of the vocabulary fits here: the tokenizer cannot write this text.');
  // What is open, and what a trace tells, is the first span that was found.
  await blank.feed(
    best.writer.tokens.slice(0, -1).map(({ id }) => id),
    signal,
  );
  return found;
}

interface Scored extends Found {
  text: string;
  score: number;
}

interface Best {
  /** Best first; no text twice. */
  readonly found: readonly Scored[];
  add(span: Scored): void;
  /** Whether one of this score would be among them. */
  takes(score: number): boolean;
}

function createBest(count: number): Best {
  let found: Scored[] = [];
  return {
    get found() {
      return found;
    },
    add(span) {
      const same = found.find(({ text }) => text === span.text);
      if (same && same.score >= span.score) return;
      found = [...found.filter((each) => each !== same), span].sort((a, b) => b.score - a.score).slice(0, count);
    },
    takes: (score) => found.length < count || score > (found.at(-1) as Scored).score,
  };
}

/** What may come after the open spans: the greedy one's own choice, then the most probable first. */
function extensions(open: readonly Hypothesis[], beams: number): Extension[] {
  return open
    .flatMap((parent) => {
      const { writer, logits, sum, greedy } = parent;
      const outlook = writer.look(logits);
      // Half of them may end their span.
      return mostProbableOf(outlook.logits, outlook.allowed, 2 * beams).map((id, rank) => ({
        parent,
        outlook,
        id,
        sum: sum + writer.chosen(outlook, id),
        greedy: greedy && rank === 0,
      }));
    })
    .sort((one, other) => Number(other.greedy) - Number(one.greedy) || other.sum - one.sum);
}

/** Appends the chosen tokens, all in one step; a span with several of them is forked, one with none is disposed of. */
async function follow(
  open: readonly Hypothesis[],
  chosen: readonly { extension: Extension; writer: SpanWriter; own: number }[],
  signal: AbortSignal | undefined,
): Promise<Hypothesis[]> {
  const taken = new Set<Hypothesis>();
  const blanks = chosen.map(({ extension: { parent } }) => {
    if (taken.has(parent)) return parent.blank.fork();
    taken.add(parent);
    return parent.blank;
  });
  for (const hypothesis of open) if (!taken.has(hypothesis)) hypothesis.blank.dispose();
  const appending = chosen.map(({ extension: { id }, own }, index) =>
    (blanks[index] as OpenBlank).append(id, own, signal),
  );
  const settled = await Promise.allSettled(appending);
  if (settled.some(({ status }) => status === 'rejected')) for (const each of blanks) each.dispose();
  const logits = await Promise.all(appending);
  return chosen.map(({ writer, extension: { sum, greedy } }, index) => ({
    sum,
    greedy,
    blank: blanks[index] as OpenBlank,
    writer,
    logits: logits[index] as Float32Array,
  }));
}

function dropAll(open: readonly Hypothesis[]): Hypothesis[] {
  for (const { blank } of open) blank.dispose();
  return [];
}
