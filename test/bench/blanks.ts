/**
 * Milliseconds of three blanks of a passage filled together, as Fill Selection does it, and of one blank with as many tokens in
 * all, reading included. The model that ships never ends a span here, so that the tokens are the same however good they are; it
 * is asked without the document cache, whose votes could end one.
 */
import { readFileSync } from 'node:fs';
import type { BlanksPassage } from '../../engine/infill/blanks.ts';
import type { Model } from '../../engine/infill/fill.ts';
import { fillBlanks } from '../../engine/infill/fill-blanks.ts';
import { loadModel } from '../../engine/load-model.ts';
import type { Runtime, Session } from '../../engine/runtime/runtime.ts';
import { endTokens } from '../../engine/tokenizer/tokenizer.ts';
import type { Row } from './main.ts';
import { interleaved } from './spread.ts';

const ROUNDS = 21;
const CONTEXT = 900;
const BLANKS = 3;
/** Tokens of each of the blanks. */
const LENGTHS = [12, 32];
/** Lines between two blanks. */
const APART = 8;

export async function benchBlanks(): Promise<Row[]> {
  const model = await loadModel('engine/embedded-model', { threads: 1 });
  try {
    return await interleaved(
      LENGTHS.flatMap((length) => [
        alternative(model, 1, length * BLANKS),
        alternative(model, BLANKS, length),
        // What each blank would cost by itself, reading included.
        alternative(model, 1, length),
      ]),
      ROUNDS,
    );
  } finally {
    model.runtime.dispose();
  }
}

function alternative(model: Model, blanks: number, tokens: number) {
  const endless = { ...model, runtime: withoutEnds(model) };
  const passage = passageWith(blanks);
  const options = { maxTokens: tokens, contextTokens: CONTEXT, temperature: 0, topP: 1, seed: 0, timeLimit: 0 };
  return {
    what: `${blanks === 1 ? '1 blank' : `${blanks} blanks together`}, ${tokens} tokens${blanks === 1 ? '' : ' each'}, ${model.runtime.device}`,
    unit: 'ms',
    async measure() {
      const start = performance.now();
      const filled = await fillBlanks(endless, passage, { ...options, singleLine: false, documentCache: false });
      const milliseconds = performance.now() - start;
      const lengths = filled.blanks.map((blank) => blank.tokens.length);
      if (lengths.some((length) => length !== tokens)) throw new Error(`Spans of ${lengths} tokens, not ${tokens}.`);
      return milliseconds;
    },
  };
}

/** Blanks between lines in the middle of a file. */
function passageWith(count: number): BlanksPassage {
  const lines = readFileSync('engine/infill/passage.ts', 'utf8').split('\n');
  const first = (lines.length >> 1) - APART * ((count - 1) >> 1);
  const ends = Array.from({ length: count }, (_, index) => first + index * APART);
  const texts = [...ends, lines.length].map((end, index) => lines.slice(ends[index - 1] ?? 0, end).join('\n'));
  return {
    path: 'engine/infill/passage.ts',
    languageId: 'typescript',
    texts: texts.map((text, index) => (index === 0 ? `${text}\n` : `\n${text}${index === count ? '' : '\n'}`)),
    blanks: ends.map(() => ({ state: 'open', forced: '' })),
    neighbours: [],
    kind: 'sentence',
  };
}

/** The same model, for whose sessions no end is ever probable. */
function withoutEnds({ runtime, tokenizer }: Model): Runtime {
  const ends = endTokens(tokenizer.special);
  const endless = (session: Session): Session => ({
    get length() {
      return session.length;
    },
    read: (partA, signal) => session.read(partA, signal),
    async extend(rows, options) {
      const logits = await session.extend(rows, options);
      const { vocabSize } = runtime.config;
      for (let row = 0; row < logits.length; row += vocabSize)
        for (const end of ends) logits[row + end] = Number.NEGATIVE_INFINITY;
      return logits;
    },
    rewind: (length) => session.rewind(length),
    fork: () => endless(session.fork()),
    dispose: () => session.dispose(),
  });
  return { ...runtime, device: runtime.device, open: (capacity) => endless(runtime.open(capacity)) };
}
