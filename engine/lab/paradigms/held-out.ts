/** What every model is asked: blanks, whole texts and described functions of held-out packages, drawn once for all. */
import { createRandom, type Random } from '../../objective/random.ts';
import { spanLengthWeights } from '../../objective/spans.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { CharacterRange } from '../../training/code-blanks.ts';
import { type CorpusLanguage, familyOf } from '../../training/corpus/language.ts';
import type { PackedCorpus } from '../../training/corpus/packed-corpus.ts';
import { instructionsIn } from '../../training/instruction-samples.ts';
import type { MeasuringPlan } from './plan.ts';

/** `rest of line`: from any token of a line to its end. `short span`: as long as GLM's, about three tokens. */
export const blankKinds = ['rest of line', 'short span'] as const;
export type LabBlankKind = (typeof blankKinds)[number];

export interface LabBlank {
  kind: LabBlankKind;
  before: number[];
  missing: number[];
  after: number[];
}

export interface ContinuedText {
  context: number[];
  text: number[];
}

export interface HeldOut {
  blanks: LabBlank[];
  /** After `[CLS]` alone. */
  texts: ContinuedText[];
  /** A description after the function that it belongs to. */
  descriptions: ContinuedText[];
}

const SEED = 1;
const ATTEMPTS = 200;
const SHORTEST_TEXT = 48;
const LONGEST_BLANK = 24;
/** Tokens of a document that are looked through for described functions. */
const SEARCHED = 3000;
const LINE_FEED = 10;
const LENGTHS = spanLengthWeights();

export interface HeldOutSource {
  corpus: PackedCorpus;
  tokenizer: Tokenizer;
  /** Tokens of a text. */
  length: number;
}

/** Throws where the corpus has too little to ask about. */
export function drawHeldOut(
  source: HeldOutSource,
  plan: Pick<MeasuringPlan, 'blanks' | 'texts' | 'descriptions'>,
): HeldOut {
  // A generator for each: asking for more of one leaves the others as they are.
  const [texts, descriptions] = [createRandom(SEED), createRandom(SEED + 1)];
  return {
    blanks: blankKinds.flatMap((kind, index) => {
      const random = createRandom(SEED + 2 + index);
      return several(plan.blanks, kind, () => drawBlank(source, kind, random));
    }),
    texts: several(plan.texts, 'text', () => {
      const text = drawText(source, texts);
      return text && { context: [cls(source)], text };
    }),
    descriptions: several(plan.descriptions, 'described function', () => drawDescription(source, descriptions)),
  };
}

function several<T>(count: number, what: string, draw: () => T | undefined): T[] {
  const found: T[] = [];
  for (let attempt = 0; found.length < count; attempt++) {
    if (attempt > ATTEMPTS * (count + 1)) {
      throw new Error(`The held-out packages gave ${found.length} of ${count} (${what}): ask for fewer.`);
    }
    const one = draw();
    if (one !== undefined) found.push(one);
  }
  return found;
}

function cls({ tokenizer }: HeldOutSource): number {
  const { enc } = tokenizer.special;
  if (enc === undefined) throw new Error('The lab needs a tokenizer with [CLS], which begins each document.');
  return enc;
}

/** A stretch of one document, one token shorter than a text so that `[CLS]` fits before it. */
function drawText({ corpus, length }: HeldOutSource, random: Random): number[] | undefined {
  const { tokens } = corpus.document(corpus.documentAt(random.below(corpus.tokens)));
  if (tokens.length < SHORTEST_TEXT) return undefined;
  const start = random.below(Math.max(1, tokens.length - length + 2));
  return Array.from(tokens.subarray(start, start + length - 1));
}

function drawBlank(source: HeldOutSource, kind: LabBlankKind, random: Random): LabBlank | undefined {
  const text = drawText(source, random);
  if (!text) return undefined;
  const start = Math.floor(text.length / 4) + random.below(Math.floor(text.length / 2));
  const end = kind === 'rest of line' ? endOfLine(source.tokenizer, text, start) : start + random.weighted(LENGTHS) + 1;
  if (end === undefined || end >= text.length || end - start > LONGEST_BLANK) return undefined;
  const missing = text.slice(start, end);
  // Of white space alone nothing would be left to compare.
  if (source.tokenizer.decode(missing).trim() === '') return undefined;
  return { kind, before: [cls(source), ...text.slice(0, start)], missing, after: text.slice(end) };
}

/** The next token from `start` on that has a line break; none where this is not how it begins, or where it is far away. */
function endOfLine(tokenizer: Tokenizer, text: readonly number[], start: number): number | undefined {
  const end = text.findIndex((token, index) => index >= start && tokenizer.bytes(token).includes(LINE_FEED));
  return end > start && tokenizer.bytes(text[end] as number)[0] === LINE_FEED ? end : undefined;
}

function drawDescription(source: HeldOutSource, random: Random): ContinuedText | undefined {
  const { corpus, tokenizer, length } = source;
  const { tokens, language } = corpus.document(corpus.documentAt(random.below(corpus.tokens)));
  const family = familyOf(language as CorpusLanguage);
  if (family === 'other') return undefined;
  const from = random.below(Math.max(1, tokens.length - SEARCHED));
  const code = tokenizer.decode(tokens.subarray(from, from + SEARCHED));
  const all = instructionsIn(family, code).filter(({ task }) => task === 'document');
  const own = all[random.below(Math.max(1, all.length))];
  if (!own) return undefined;
  const context = [cls(source), ...tokenizer.encode(`${without(code, own.passage, own.answer)}\n`)];
  const text = tokenizer.encode(code.slice(own.answer.start, own.answer.end));
  return context.length + text.length <= length ? { context, text } : undefined;
}

/** The passage without the answer and the white space that it stood in. */
function without(text: string, passage: CharacterRange, answer: CharacterRange): string {
  const before = text.slice(passage.start, answer.start).trimEnd();
  const after = text.slice(answer.end, passage.end);
  return before === '' ? after.trimStart() : before + after.trimEnd();
}
