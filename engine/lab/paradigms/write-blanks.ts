/**
 * Blanks filled greedily, all that are open at once. Every step reads the whole text again, by the trainer's own forward
 * pass: nothing of a paradigm but its rows is needed, and no cache could be wrong about them.
 */
import type { NativeTrainer } from '../../native.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { microBatches, toBatch } from '../../training/batch.ts';
import type { LabBlank } from './held-out.ts';
import { type LabParadigm, labTokens } from './paradigm.ts';

export interface BlankWriter {
  trainer: Pick<NativeTrainer, 'evaluate'>;
  paradigm: Pick<LabParadigm, 'blankEnd' | 'next'>;
  tokenizer: Tokenizer;
  /** V */
  vocabSize: number;
  signal?: AbortSignal | undefined;
}

/** Those who end a blank themselves write no further. */
const LONGEST = 40;
const MICRO_ROWS = 4096;
const LINE_FEED = 10;

/** The text written in each blank. */
export async function writeBlanks(writer: BlankWriter, blanks: readonly LabBlank[]): Promise<string[]> {
  const { trainer, paradigm, tokenizer, vocabSize, signal } = writer;
  const tokens = labTokens(tokenizer);
  const choices = Int32Array.from({ length: vocabSize }, (_, token) => token);
  const allowed = choices.filter((token) => token < tokenizer.vocabSize && tokenizer.bytes(token).length > 0);
  const open = blanks.map((blank) => ({ blank, written: [] as number[] }));
  const all = [...open];

  while (open.length > 0) {
    const samples = open.map(({ blank: { before, after, missing }, written }) =>
      paradigm.next({ before, after, written, length: missing.length }, tokens),
    );
    const likeliest: number[] = [];
    for (const batch of microBatches(samples, MICRO_ROWS)) {
      signal?.throwIfAborted();
      const { choiceLogits } = await trainer.evaluate({ ...toBatch(batch), choices });
      for (let row = 0; row < batch.length; row++) {
        const logits = choiceLogits.subarray(row * vocabSize, (row + 1) * vocabSize);
        const text = largestOf(logits, allowed);
        const ends = paradigm.blankEnd === 'eop' && (logits[tokens.eop] as number) > (logits[text] as number);
        likeliest.push(ends ? tokens.eop : text);
      }
    }
    for (let index = open.length - 1; index >= 0; index--) {
      const { blank, written } = open[index] as (typeof open)[number];
      const token = likeliest[index] as number;
      if (token !== tokens.eop) written.push(token);
      if (token === tokens.eop || isFull(writer, blank, written)) open.splice(index, 1);
    }
  }
  return all.map(({ blank, written }) => {
    const text = tokenizer.decode(written);
    return endsAtBreak(writer, blank) ? (text.split('\n')[0] as string) : text;
  });
}

function endsAtBreak({ paradigm }: BlankWriter, { kind }: LabBlank): boolean {
  return paradigm.blankEnd === 'line-break' && kind === 'rest of line';
}

function isFull(writer: BlankWriter, blank: LabBlank, written: readonly number[]): boolean {
  if (written.length >= LONGEST) return true;
  if (writer.paradigm.blankEnd === 'eop') return false;
  if (!endsAtBreak(writer, blank)) return written.length >= blank.missing.length;
  return writer.tokenizer.bytes(written.at(-1) as number).includes(LINE_FEED);
}

function largestOf(logits: Float32Array, among: Int32Array): number {
  let best = among[0] as number;
  for (const token of among) if ((logits[token] as number) > (logits[best] as number)) best = token;
  return best;
}
