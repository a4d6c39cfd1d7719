/** Blanks in code: in range, apart, never through a character, and of the kinds that people leave open. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { codeBlanks } from '../../../engine/training/code-blanks.ts';
import { drawSample, encodeAround } from '../../../engine/training/samples.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { corpusOf, program } from './toy-corpus.ts';

const TEXTS: Record<string, string> = {
  code: program(1),
  empty: '',
  'white space': ' \n\t\n  ',
  'one character': 'x',
  'one line': 'const a = f(b, [c, { d: 1 }]);',
  'line ends of Windows': 'if (a) {\r\n  b();\r\n}\r\n',
  emoji: '🎉😀\n  f("👩‍👩‍👧", 漢字) {\n    🎉🎉🎉🎉\n  }\n',
  'brackets that do not match': ')](({[}])\n((((\n',
  'half a pair': 'a\ud83d b\n\udf89c\n',
};

describe.each(Object.entries(TEXTS))('blanks in %s', (_, text) => {
  it('lie in the text, apart, in order, and split no character', () => {
    const random = createRandom(2);
    for (let draw = 0; draw < 400; draw++) {
      const most = 1 + random.below(6);
      const share = random.float();
      const blanks = codeBlanks(random, text, share, most);
      expect(blanks.length).toBeLessThanOrEqual(most);
      let reached = -1;
      for (const { start, end } of blanks) {
        expect(start).toBeGreaterThan(reached);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(text.length);
        expect(end - start).toBeLessThanOrEqual(0.6 * text.length);
        for (const border of [start, end]) {
          const split = /[\ud800-\udbff]$/.test(text.slice(0, border)) && /^[\udc00-\udfff]/.test(text.slice(border));
          expect(split).toBe(false);
        }
        reached = end;
      }
    }
  });
});

describe('blanks in code', () => {
  const text = program(3);
  const random = createRandom(4);
  const drawn = Array.from({ length: 3000 }, () => codeBlanks(random, text, 1, 1)).flat();
  const share = (of: (blank: { start: number; end: number }) => boolean) => drawn.filter(of).length / drawn.length;

  it('are found nearly always', () => expect(drawn.length).toBeGreaterThan(2900));

  it('are of all kinds, the rest of a line first', () => {
    const inner = (blank: { start: number; end: number }) => text.slice(blank.start, blank.end);
    const endsLine = share((blank) => text[blank.end] === '\n' && !inner(blank).includes('\n'));
    const lines = share((blank) => inner(blank).includes('\n'));
    const brackets = share(
      ({ start, end }) => '({['.includes(text[start - 1] as string) && ')}]'.includes(text[end] as string),
    );
    const withinLine = share((blank) => !inner(blank).includes('\n') && text[blank.end] !== '\n');
    expect(endsLine).toBeGreaterThan(0.35);
    expect(endsLine).toBeLessThan(0.65);
    expect(lines).toBeGreaterThan(0.15);
    expect(brackets).toBeGreaterThan(0.05);
    expect(withinLine).toBeGreaterThan(0.1);
  });

  it('begin within words as well as at the text of a line', () => {
    const withinWord = share(({ start }) => /\w/.test(text[start - 1] ?? '') && /\w/.test(text[start] as string));
    const lineStart = share(({ start }) => /^\s*$/.test(text.slice(text.lastIndexOf('\n', start - 1) + 1, start)));
    expect(withinWord).toBeGreaterThan(0.15);
    expect(lineStart).toBeGreaterThan(0.2);
  });

  it('stop at the share of the text that was asked for', () => {
    const many = createRandom(9);
    for (let draw = 0; draw < 200; draw++) {
      const blanks = codeBlanks(many, text, 0.2, 50);
      const before = blanks.reduce((sum, { start, end }) => sum + end - start, 0);
      const longest = Math.max(0, ...blanks.map(({ start, end }) => end - start));
      // The last one drawn may overshoot.
      expect(before - longest).toBeLessThan(0.2 * text.length);
    }
  });
});

describe('samples', () => {
  const tokenizer = toyTokenizer(['function', '  ', 'const ', 'return ']);
  const recipe = {
    weights: { sentence: 1, document: 1, token: 1 },
    shortest: 40,
    usual: 90,
    longest: 120,
    long: 0.2,
    neighbour: 0.3,
    single: 0.35,
    several: { most: 6, leastShare: 0.35, mostShare: 0.35 },
  };
  const texts = [1, 2, 3].map(program);
  const source = { tokenizer, corpus: corpusOf(tokenizer, texts), recipe, maxLength: 512 };

  it('have a token border at both ends of every range', () => {
    const text = texts[0] as string;
    const random = createRandom(6);
    for (let draw = 0; draw < 50; draw++) {
      const ranges = codeBlanks(random, text, 0.5, 4);
      const { tokens, spans } = encodeAround(tokenizer, text, ranges);
      expect(tokenizer.decode(tokens)).toBe(text);
      const cut = spans.map(({ start, end }) => tokenizer.decode(tokens.slice(start, end)));
      expect(cut).toEqual(ranges.map(({ start, end }) => text.slice(start, end)));
    }
  });

  it('are blanks of all three kinds in a passage with the header that the editor writes', () => {
    const random = createRandom(7);
    const { special } = tokenizer;
    const masks = new Map<number, number>();
    for (let draw = 0; draw < 600; draw++) {
      const { tokens, targets, lossMask, sep } = drawSample(source, random);
      expect(tokens[0]).toBe(special.enc);
      expect(tokens.length).toBeLessThanOrEqual(512);
      const partA = [...tokens.subarray(0, sep)];
      expect(partA).toContain(special.path);
      expect(partA).toContain(special.code);
      const kinds = [special.mask, special.sentenceMask, special.documentMask].filter((id) => partA.includes(id));
      expect(kinds).toHaveLength(1);
      const kind = kinds[0] as number;
      masks.set(kind, (masks.get(kind) ?? 0) + 1);
      expect(tokens[sep]).toBe(special.sop);
      expect(lossMask.subarray(0, sep).every((counts) => counts === 0)).toBe(true);
      expect(lossMask.subarray(sep).every((counts) => counts === 1)).toBe(true);
      // Every span begins with sop and, but for a text cut in two, ends with eop.
      const begun = partA.filter((token) => token === kind).length;
      expect(tokens.subarray(sep).filter((token) => token === special.sop)).toHaveLength(begun);
      const ended = targets.subarray(sep).filter((token) => token === special.eop).length;
      if (kind !== special.documentMask) expect(ended).toBe(begun);
    }
    for (const count of masks.values()) expect(count).toBeGreaterThan(120);
    expect(masks.size).toBe(3);
  });

  it('are the same for the same seed', () => {
    const draw = () => {
      const random = createRandom(8);
      return Array.from({ length: 30 }, () => drawSample(source, random));
    };
    expect(draw()).toEqual(draw());
  });

  it('are drawn again where an odd path makes them too long, and said to be impossible where none fits', () => {
    const long = { ...source, corpus: corpusOf(tokenizer, texts, `${'漢'.repeat(80)}.ts`), maxLength: 400 };
    const random = createRandom(10);
    for (let draw = 0; draw < 20; draw++) expect(drawSample(long, random).tokens.length).toBeLessThanOrEqual(400);
    expect(() => drawSample({ ...source, maxLength: 30 }, random)).toThrow(
      /corpus of 3 documents gave no sample in 1000 attempts: .* at most 30/,
    );
    const empty = { ...source, corpus: corpusOf(tokenizer, ['a', 'b']) };
    expect(() => drawSample(empty, random)).toThrow(/documents need 24 tokens/);
  });
});
