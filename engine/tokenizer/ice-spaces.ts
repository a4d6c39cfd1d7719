/**
 * White space of GLM-130B's and ChatGLM-6B's vocabulary: `<n>` for a line break, `<|tab|>`, `<|blank_2|>` to
 * `<|blank_80|>` for runs of spaces. The authors write these names into the text; here the pieces are put in by id, so
 * that a file that contains the characters `<n>` keeps them. Facts: tokenization_chatglm.py of ChatGLM-6B.
 */
import type { Piece } from './sentencepiece-model.ts';
import { SPACE } from './sentencepiece-normalizer.ts';

const NEWLINE = '<n>';
const TAB = '<|tab|>';
const LONGEST_RUN = 80;
const runName = (length: number) => `<|blank_${length}|>`;

/** Stretches of text, and pieces for the white space between them; `pieces` are ids by text. */
export function* iceStretches(text: string, pieces: ReadonlyMap<string, number>): Generator<string | number> {
  let pending = '';
  for (const [stretch] of text.matchAll(/\n|\t| {2,}|[^\n\t ]+| /g)) {
    if (stretch[0] === ' ' && stretch.length > 1) {
      let left = stretch.length;
      while (left > 1) {
        const length = longestRun(Math.min(left, LONGEST_RUN), pieces);
        if (length < 2) break;
        if (pending !== '') yield pending;
        pending = '';
        yield pieces.get(runName(length)) as number;
        left -= length;
      }
      pending += ' '.repeat(left);
      continue;
    }
    const symbol = stretch === '\n' ? pieces.get(NEWLINE) : stretch === '\t' ? pieces.get(TAB) : undefined;
    if (symbol === undefined) {
      pending += stretch;
      continue;
    }
    if (pending !== '') yield pending;
    pending = '';
    yield symbol;
  }
  if (pending !== '') yield pending;
}

function longestRun(most: number, pieces: ReadonlyMap<string, number>): number {
  let length = most;
  while (length > 1 && !pieces.has(runName(length))) length--;
  return length;
}

/** What a piece stands for. */
export function entryBytes({ text, type }: Piece, spaces: 'symbols' | 'plain'): Uint8Array {
  const encoder = new TextEncoder();
  if (type === 'byte') return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
  if (type === 'control' || type === 'unknown' || type === 'unused') return new Uint8Array();
  if (spaces === 'symbols') {
    if (text === NEWLINE) return encoder.encode('\n');
    if (text === TAB) return encoder.encode('\t');
    const run = /^<\|blank_(\d{1,2})\|>$/.exec(text);
    if (run) return encoder.encode(' '.repeat(Number(run[1])));
  }
  return encoder.encode(text.replaceAll(SPACE, ' '));
}
