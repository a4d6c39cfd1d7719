/**
 * LAMBADA: the last word of a passage, from all that precedes it. GLM-130B's way (tasks/lambada): `[gMASK]` after the
 * context, beams of at most five tokens; of the beams' texts the first whose word is followed by punctuation, else the
 * best one's first word. With one beam it is greedy. All beams are wanted here, and no length penalty, unlike the search
 * that fills blanks (infill/beams.ts).
 */
import type { Model } from '../../infill/fill.ts';
import { vocabularyOf } from '../../infill/healing.ts';
import type { OpenBlank } from '../../infill/open-blank.ts';
import { logProbabilityOf, mostProbableOf } from '../../infill/sampling.ts';
import { endTokens } from '../../tokenizer/tokenizer.ts';
import { openContext, textPrefix } from './opening.ts';

export interface LastWordTask {
  id: string;
  group: string;
  path: string;
  /** Without the space before the word. */
  context: string;
  /** Without it, too. */
  word: string;
}

export interface LastWordAnswer {
  id: string;
  group: string;
  word: string;
  said: string;
  isRight: boolean;
  /** Whether each token of the word, in the tokenizer's own cut, was the most probable one (GLM 2021's measure). */
  isGreedy: boolean;
}

export interface LastWordOptions {
  beams: number;
  oneWay: boolean;
  onProgress?: (done: number, all: number) => void;
  signal?: AbortSignal;
}

/** Tokens of a beam. */
const MOST_TOKENS = 5;

export async function answerLastWords(
  model: Model,
  tasks: readonly LastWordTask[],
  { beams, oneWay, onProgress, signal }: LastWordOptions,
): Promise<LastWordAnswer[]> {
  const { tokenizer, runtime } = model;
  const answers: LastWordAnswer[] = [];
  for (const { id, group, path, context, word } of tasks) {
    onProgress?.(answers.length, tasks.length);
    const prefix = textPrefix(model, path);
    const truth = tokenizer.encode(` ${word}`);
    const room = Math.max(MOST_TOKENS, truth.length) + 1;
    // What does not fit is taken from the beginning.
    const tokens = tokenizer.encode(context).slice(-(runtime.config.maxLength - prefix.length - room - 2));
    const shown = oneWay ? tokens.slice(0, 1) : tokens;
    const given = oneWay ? tokens.slice(1) : [];
    const blank = await openContext(model, [...prefix, ...shown], given.length + room, signal);
    try {
      const texts = (await beamSearch(blank, given, beams, signal)).map((beam) => tokenizer.decode(beam).trimStart());
      const said = chosenWord(texts);
      const isGreedy = await writesGreedily(blank, given, truth, signal);
      answers.push({ id, group, word, said, isRight: said === word, isGreedy });
    } finally {
      blank.dispose();
    }
  }
  return answers;
}

interface Beam {
  tokens: number[];
  score: number;
  ended: boolean;
}

/** The best continuations of `given`, best first: sums of log-probabilities, ends of the span included. */
async function beamSearch(
  blank: OpenBlank,
  given: readonly number[],
  width: number,
  signal: AbortSignal | undefined,
): Promise<number[][]> {
  const { drawable } = vocabularyOf(blank.model.tokenizer);
  const ends = new Set(endTokens(blank.model.tokenizer.special));
  let beams: Beam[] = [{ tokens: [], score: 0, ended: false }];
  for (let step = 0; step < MOST_TOKENS && beams.some(({ ended }) => !ended); step++) {
    const next: Beam[] = [];
    for (const beam of beams) {
      if (beam.ended) {
        next.push(beam);
        continue;
      }
      const { logits } = await blank.feed([...given, ...beam.tokens], signal);
      for (const token of mostProbableOf(logits, drawable, width)) {
        const score = beam.score + logProbabilityOf(logits, token);
        const ended = ends.has(token);
        next.push({ tokens: ended ? beam.tokens : [...beam.tokens, token], score, ended });
      }
    }
    beams = next.sort((a, b) => b.score - a.score).slice(0, width);
  }
  return beams.map(({ tokens }) => tokens);
}

const WORD = /^[\p{L}\p{N}_$'’-]+/u;

/** The word that the beams' texts come to; the empty text where none begins with one. */
export function chosenWord(texts: readonly string[]): string {
  const words = texts.map((text) => ({ word: WORD.exec(text)?.[0] ?? '', text }));
  const followed = words.find(({ word, text }) => word !== '' && /^\s?[\p{P}\p{S}]/u.test(text.slice(word.length)));
  return (followed ?? words.find(({ word }) => word !== ''))?.word ?? '';
}

async function writesGreedily(
  blank: OpenBlank,
  given: readonly number[],
  truth: readonly number[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { drawable } = vocabularyOf(blank.model.tokenizer);
  for (const [at, token] of truth.entries()) {
    const { logits } = await blank.feed([...given, ...truth.slice(0, at)], signal);
    if (mostProbableOf(logits, drawable, 1)[0] !== token) return false;
  }
  return true;
}
