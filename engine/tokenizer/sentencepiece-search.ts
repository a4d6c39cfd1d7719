/**
 * From normalized text to pieces, as SentencePiece finds them: the most probable path (unigram) or merges by score (BPE).
 * Sums are rounded to float32 as there, so that ties fall the same way. Facts: unigram_model.cc, bpe_model.cc.
 */
import { mergePairs } from './pair-merging.ts';
import type { SentencePieceModel } from './sentencepiece-model.ts';

/** What an unknown character costs beyond the least probable piece. */
const UNKNOWN_PENALTY = 10;

/** A stretch of text and its piece; `unknown` for text that no piece covers. */
export interface Found {
  text: string;
  id: number;
}

/** `matches` says which user-defined pieces may be found in text. */
export function sentencePieceSearch(
  model: SentencePieceModel,
  matches: (piece: string) => boolean,
): (text: string) => Found[] {
  const ids = new Map<string, number>();
  for (const [id, { text, type }] of model.pieces.entries()) {
    if (text !== '' && (type === 'normal' || (type === 'user-defined' && matches(text)))) ids.set(text, id);
  }
  return model.kind === 'unigram' ? unigramSearch(model, ids) : bpeSearch(model, ids);
}

function unigramSearch(
  { pieces, unknown }: SentencePieceModel,
  ids: ReadonlyMap<string, number>,
): (text: string) => Found[] {
  const scores = pieces.filter(({ type }) => type === 'normal').map(({ score }) => score);
  const least = scores.reduce((low, score) => Math.min(low, score), 0);
  const most = scores.reduce((high, score) => Math.max(high, score), Number.NEGATIVE_INFINITY);
  const scoreOf = (id: number, text: string): number => {
    const { type, score } = pieces[id] as (typeof pieces)[number];
    return type === 'user-defined' ? Math.fround(Buffer.byteLength(text) * most - 0.1) : score;
  };
  /** Every beginning of a piece, with the piece where it is one. */
  const beginnings = new Map<string, { id: number; score: number } | undefined>();
  for (const [text, id] of ids) {
    for (let end = 1; end < text.length; end++) {
      const beginning = text.slice(0, end);
      if (!beginnings.has(beginning)) beginnings.set(beginning, undefined);
    }
    beginnings.set(text, { id, score: scoreOf(id, text) });
  }

  return (text) => {
    const best = new Float32Array(text.length + 1).fill(Number.NEGATIVE_INFINITY);
    const from = new Int32Array(text.length + 1).fill(-1);
    const piece = new Int32Array(text.length + 1).fill(unknown);
    best[0] = 0;
    const reach = (start: number, end: number, id: number, score: number): void => {
      const candidate = Math.fround(score + (best[start] as number));
      if (from[end] !== -1 && !(candidate > (best[end] as number))) return;
      best[end] = candidate;
      from[end] = start;
      piece[end] = id;
    };
    for (let start = 0; start < text.length; ) {
      const character = start + ((text.codePointAt(start) as number) > 0xffff ? 2 : 1);
      let single = false;
      for (let end = start + 1; end <= text.length; end++) {
        const beginning = text.slice(start, end);
        const found = beginnings.get(beginning);
        if (found) {
          reach(start, end, found.id, found.score);
          single ||= end === character;
        } else if (!beginnings.has(beginning)) break;
      }
      if (!single) reach(start, character, unknown, Math.fround(least - UNKNOWN_PENALTY));
      start = character;
    }
    const path: Found[] = [];
    for (let end = text.length; end > 0; end = from[end] as number) {
      path.push({ text: text.slice(from[end], end), id: piece[end] as number });
    }
    return path.reverse();
  };
}

function bpeSearch(
  { pieces, unknown }: SentencePieceModel,
  ids: ReadonlyMap<string, number>,
): (text: string) => Found[] {
  const defined = [...ids].filter(([, id]) => pieces[id]?.type === 'user-defined').map(([text]) => text);
  const frozen = new Set(defined);
  const longestFirst = defined
    .sort((x, y) => y.length - x.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const symbols = new RegExp([...longestFirst, '[^]'].join('|'), 'gu');
  const rankOf = (left: string, right: string): number | undefined => {
    if (frozen.has(left) || frozen.has(right)) return undefined;
    const id = ids.get(left + right);
    return id === undefined ? undefined : -(pieces[id]?.score as number);
  };
  return (text) =>
    mergePairs(text.match(symbols) ?? [], rankOf).map((symbol) => ({ text: symbol, id: ids.get(symbol) ?? unknown }));
}
