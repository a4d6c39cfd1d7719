/** What the lab asks, and how blanks are filled: cut where they should be, ended as each paradigm ends them. */
import { describe, expect, it } from 'vitest';
import { drawHeldOut, type LabBlank } from '../../../engine/lab/paradigms/held-out.ts';
import { autoregressive } from '../../../engine/lab/paradigms/left-to-right.ts';
import type { BlankEnd } from '../../../engine/lab/paradigms/paradigm.ts';
import { writeBlanks } from '../../../engine/lab/paradigms/write-blanks.ts';
import type { NativeBatch } from '../../../engine/native.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { corpusOf } from '../training/toy-corpus.ts';

const tokenizer = toyTokenizer();
const { special } = tokenizer;
const CODE =
  '/** Adds the alpha and gives the beta back to all. */\nfunction add(alpha: number) {\n  const beta = alpha + 1;\n  return beta;\n}\n\n';
const corpus = corpusOf(tokenizer, [CODE.repeat(5), CODE.repeat(7)]);

describe('questions about held-out packages', () => {
  const source = { corpus, tokenizer, length: 160 };
  const plan = { blanks: 20, texts: 4, descriptions: 3 };
  const { blanks, texts, descriptions } = drawHeldOut(source, plan);
  const words = (tokens: readonly number[]) => tokenizer.decode(tokens);

  it('are the same every time, and stay when more is asked for', () => {
    expect(drawHeldOut(source, plan)).toEqual({ blanks, texts, descriptions });
    const more = drawHeldOut(source, { ...plan, texts: 9, blanks: 30 });
    expect(more.descriptions).toEqual(descriptions);
    expect(more.texts.slice(0, 4)).toEqual(texts);
    expect(more.blanks.filter(({ kind }) => kind === 'short span').slice(0, 20)).toEqual(blanks.slice(20));
  });

  it('blank the rest of a line, or a few tokens, inside a text of the corpus', () => {
    expect(blanks.map(({ kind }) => kind)).toEqual([
      ...Array(20).fill('rest of line'),
      ...Array(20).fill('short span'),
    ]);
    for (const { kind, before, missing, after } of blanks) {
      expect(before[0]).toBe(special.enc);
      expect(before.length + missing.length + after.length).toBe(160);
      expect(CODE.repeat(7)).toContain(words([...before, ...missing, ...after]));
      expect(words(missing).trim()).not.toBe('');
      if (kind === 'rest of line') {
        expect(words(missing)).not.toContain('\n');
        expect(words(after)).toMatch(/^\n/);
      }
    }
  });

  it('give a function without its description, which is to follow', () => {
    for (const { context, text } of descriptions) {
      expect(words(text)).toBe('/** Adds the alpha and gives the beta back to all. */');
      expect(words(context)).toBe(`${CODE.slice(CODE.indexOf('function')).trimEnd()}\n`);
    }
    for (const { context } of texts) expect(context).toEqual([special.enc]);
  });

  it('say what is missing where the corpus has nothing to ask about', () => {
    const plain = corpusOf(tokenizer, ['x = 1;'.repeat(60)]);
    expect(() => drawHeldOut({ ...source, corpus: plain }, plan)).toThrow(/0 of 20 \(rest of line\)/);
  });
});

/** A trainer that writes `lines[n]` in the blank before which the n-th letter stands, then a full stop forever. */
function writing(lines: Readonly<Record<string, readonly number[]>>) {
  const steps: number[] = [];
  return {
    steps,
    async evaluate(batch: NativeBatch) {
      const { choices = new Int32Array(), lengths, tokens } = batch;
      steps.push(lengths.length);
      const choiceLogits = new Float32Array(lengths.length * choices.length);
      let at = 0;
      for (const [sample, length] of lengths.entries()) {
        const own = tokenizer.decode(tokens.subarray(at, at + length));
        const line = lines[own[0] as string] as readonly number[];
        choiceLogits[sample * choices.length + (line[own.length - 1] ?? (tokenizer.encode('.')[0] as number))] = 1;
        at += length;
      }
      return { sum: 0, count: 0, losses: new Float32Array(), first: new Uint8Array(), choiceLogits };
    },
  };
}

describe('filling blanks', () => {
  const blank = (letter: string, length: number, kind: LabBlank['kind']): LabBlank => ({
    kind,
    before: [special.enc, ...tokenizer.encode(letter)],
    missing: tokenizer.encode('x'.repeat(length)),
    after: [],
  });
  const fill = (blankEnd: BlankEnd, blanks: LabBlank[]) => {
    const lines = {
      a: tokenizer.encode('ab\ncd'),
      b: [...tokenizer.encode('xy'), special.eop],
      c: [special.eop],
    };
    const trainer = writing(lines);
    const paradigm = { blankEnd, next: autoregressive.next };
    const written = writeBlanks({ trainer, paradigm, tokenizer, vocabSize: tokenizer.vocabSize }, blanks);
    return written.then((texts) => ({ texts, steps: trainer.steps }));
  };
  const three = (kind: LabBlank['kind']) => [blank('c', 4, kind), blank('a', 4, kind), blank('b', 3, kind)];

  it('ends where the model says so, or at 40 tokens', async () => {
    const { texts, steps } = await fill('eop', three('short span'));
    expect(texts).toEqual(['', `ab\ncd${'.'.repeat(35)}`, 'xy']);
    // Blanks that are finished are not asked again.
    expect(steps.slice(0, 5)).toEqual([3, 2, 2, 1, 1]);
    expect(steps).toHaveLength(40);
  });

  it('ends at a length that is told, and never writes a special token', async () => {
    const { texts } = await fill('told', three('rest of line'));
    expect(texts.map(({ length }) => length)).toEqual([4, 4, 3]);
    expect(texts[1]).toBe('ab\nc');
    expect(texts[2]?.slice(0, 2)).toBe('xy');
  });

  it('is cut at a line break by those that write on; of a short span they are told the length', async () => {
    expect((await fill('line-break', [blank('a', 4, 'rest of line')])).texts).toEqual(['ab']);
    expect((await fill('line-break', [blank('a', 4, 'short span')])).texts).toEqual(['ab\nc']);
  });
});
