/** The kinds of sample beside those of the editor: the causal control's, the papers' mixtures, instructions. */
import { describe, expect, it } from 'vitest';
import { fillBlanks } from '../../../engine/infill/fill-blanks.ts';
import { fimPrompt } from '../../../engine/infill/fim-prompt.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { REQUESTS } from '../../../engine/infill/instruction.ts';
import { openBlank } from '../../../engine/infill/open-blank.ts';
import { loadAddon, type NativeModel } from '../../../engine/native.ts';
import type { InfillingSample } from '../../../engine/objective/blank-infilling.ts';
import { type FimOrder, fillInTheMiddle, fimIds } from '../../../engine/objective/fill-in-the-middle.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import type { Runtime } from '../../../engine/runtime/runtime.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { drawCausalSample } from '../../../engine/training/causal-samples.ts';
import { drawInstructionSample } from '../../../engine/training/instruction-samples.ts';
import { RECIPES, type Recipe } from '../../../engine/training/recipes.ts';
import { sampleDrawer } from '../../../engine/training/sample-drawer.ts';
import { drawStreamSample, type StreamMixture } from '../../../engine/training/stream-samples.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { randomTensors, SMALLEST, trainerOf } from '../native/tiny.ts';
import { extendOneByOne } from '../runtime/one-by-one.ts';
import { corpusOf, program } from './toy-corpus.ts';
import { TOY_RECIPE } from './toy-run.ts';

const tokenizer = toyTokenizer(['function', '  ', 'const ', 'return ']);
const { special } = tokenizer;
const corpus = corpusOf(tokenizer, [1, 2, 3].map(program));
const recipe = TOY_RECIPE.samples as Exclude<Recipe['samples'], { kind: string }>;
const fim = fimIds(special);

const count = (sample: InfillingSample, id: number) => sample.tokens.filter((token) => token === id).length;

describe('samples of the causal control', () => {
  const source = { tokenizer, corpus, recipe, maxLength: 400 };
  const random = createRandom(1);
  const drawn = Array.from({ length: 400 }, () => drawCausalSample(source, random));

  it('are plain text and middles in both orders, every token a target', () => {
    const kinds = { plain: 0, psm: 0, spm: 0 };
    for (const sample of drawn) {
      expect(sample.sep).toBe(0);
      expect(sample.lossMask.every((counts) => counts === 1)).toBe(true);
      expect([...sample.targets.subarray(0, -1)]).toEqual([...sample.tokens.subarray(1)]);
      if (sample.tokens[0] === special.enc) kinds.plain++;
      else {
        expect(sample.tokens[0]).toBe(fim.prefix);
        expect(sample.targets.at(-1)).toBe(fim.end);
        expect([count(sample, fim.suffix), count(sample, fim.middle)]).toEqual([1, 1]);
        kinds[sample.tokens[1] === fim.suffix ? 'spm' : 'psm']++;
      }
    }
    // A quarter of the mixture is `document`.
    expect(kinds.plain / drawn.length).toBeCloseTo(0.25, 1);
    expect(kinds.psm / (kinds.psm + kinds.spm)).toBeCloseTo(0.5, 1);
  });

  it('hold a stretch of a document, put together again', () => {
    for (const sample of drawn.filter(({ tokens }) => tokens[1] === fim.suffix).slice(0, 50)) {
      const tokens = [...sample.tokens];
      const middle = tokens.indexOf(fim.middle);
      const text = tokenizer.decode([...tokens.slice(middle + 1), ...tokens.slice(2, middle)]).replace('src/a.ts', '');
      const documents = [1, 2, 3].map(program);
      if (!tokens.includes(special.neighbour as number)) expect(documents.some((own) => own.includes(text))).toBe(true);
    }
  });
});

describe('a causal model asked for a middle', () => {
  const config = {
    ...SMALLEST,
    vocabSize: tokenizer.vocabSize,
    positions: 'rotary-1d',
    causal: true,
    maxLength: 200,
  } as const;
  const tensors = randomTensors(config, createRandom(5));
  const native = new (loadAddon().Model)(config, { level: '', threads: 1, precision: 'float32' });
  for (const [name, values] of tensors) native.setTensor(name, values);
  native.ready();
  const model = { tokenizer, runtime: runtimeOf(native) };
  const passage = {
    path: 'a.ts',
    languageId: 'typescript',
    before: 'const x = ',
    after: ';\n',
    forced: '',
    neighbours: [],
    kind: 'sentence',
  } as const;

  function runtimeOf(own: NativeModel): Runtime {
    return {
      config,
      device: 'test',
      dispose: () => own.dispose(),
      extendTogether: extendOneByOne,
      open(capacity) {
        const session = own.open(capacity);
        return {
          get length() {
            return session.length;
          },
          read: (rows) => session.read(rows),
          extend: (rows, options) => session.extend(rows, options?.logits === 'all'),
          rewind: (length) => session.rewind(length),
          fork: () => {
            throw new Error('not asked for');
          },
          dispose: () => session.dispose(),
        };
      },
    };
  }

  it.each<FimOrder>(['psm', 'spm'])('gives it the probability that %s training computes', async (order) => {
    const middle = tokenizer.encode('f(y, 3)');
    const prompted = { ...model, prompt: fimPrompt(tokenizer, order) };
    const blank = await openBlank(prompted, { ...passage, neighbours: [] }, { reserve: 20 });
    const { logProbabilities } = await blank.feed(middle);
    blank.dispose();

    const header = [special.enc, special.path as number, ...tokenizer.encode('a.ts'), special.code as number];
    const before = [...header, ...tokenizer.encode(passage.before)];
    const text = [...before, ...middle, ...tokenizer.encode(passage.after), special.eos];
    const span = { start: before.length, end: before.length + middle.length };
    const sample = fillInTheMiddle(text, span, fim, order);
    // The rows that predict the middle: its tokens, not its end.
    const rows = sample.tokens.length;
    const lossMask = sample.lossMask.map((_, row) => (row >= rows - 1 - middle.length && row < rows - 1 ? 1 : 0));
    const trainer = await trainerOf(config, tensors, { threads: 1 });
    const { sum } = await trainer.evaluate(toBatch([{ ...sample, lossMask }]));
    expect(-logProbabilities.reduce((total, x) => total + x, 0) / sum).toBeCloseTo(1, 5);
  });

  it('fills one blank, and several one after another', async () => {
    const options = { maxTokens: 5, temperature: 0, topP: 1, seed: 1, singleLine: false, timeLimit: 0 };
    const prompted = { ...model, prompt: fimPrompt(tokenizer) };
    const fill = await fillBlank(prompted, { ...passage, neighbours: [] }, options);
    expect(fill.tokens.length).toBeGreaterThan(0);
    const open = { state: 'open' as const, forced: '' };
    const several = { ...passage, neighbours: [], texts: ['a', 'b', 'c'], blanks: [open, open] };
    expect((await fillBlanks(prompted, several, options)).blanks).toHaveLength(2);
  });
});

describe('the mixtures of the papers', () => {
  const mixture = (name: string) => RECIPES[name]?.samples as StreamMixture;
  const draw = (name: string, change: Partial<StreamMixture>, positions: 'learned-2d' | 'rotary-1d') => {
    const random = createRandom(2);
    const source = {
      tokenizer,
      corpus,
      mixture: { ...mixture(name), length: 400, ...change },
      positions,
      maxLength: 700,
    };
    return Array.from({ length: 600 }, () => drawStreamSample(source, random));
  };
  const masks = [special.mask, special.sentenceMask, special.documentMask];
  const shares = (samples: InfillingSample[]) =>
    masks.map((id) => samples.filter((own) => count(own, id) > 0).length / samples.length);

  it('of GLM 2021: .4 token spans, .3 sentences, .3 one long span; documents between [CLS] and end', () => {
    const samples = draw('glm-2021', {}, 'learned-2d');
    for (const [index, share] of shares(samples).entries()) {
      expect(Math.abs(share - ([0.4, 0.3, 0.3][index] as number))).toBeLessThan(0.06);
    }
    for (const sample of samples) {
      expect(sample.tokens[0]).toBe(special.enc);
      // All of Part B stands at masks.
      expect(Math.max(...sample.positions)).toBeLessThan(sample.sep);
    }
    const token = samples.filter((own) => count(own, special.mask) > 0);
    const hidden = token.map(
      ({ tokens, sep }) => tokens.length - sep - tokens.subarray(sep).filter((t) => t === special.sop).length,
    );
    const share = hidden.reduce((sum, n) => sum + n, 0) / (token.length * 400);
    expect(share).toBeGreaterThan(0.14);
    expect(share).toBeLessThan(0.18);
  });

  it('of GLM-130B: by sequence .3 token spans in four pieces, .7 suffixes with running positions', () => {
    const samples = draw('glm-130b', {}, 'rotary-1d');
    const [token = 0, sentence, document = 0] = shares(samples);
    expect(sentence).toBe(0);
    expect(token / 4 / (token / 4 + document)).toBeGreaterThan(0.25);
    expect(token / 4 / (token / 4 + document)).toBeLessThan(0.35);
    for (const sample of samples) {
      const rows = sample.tokens.length;
      if (count(sample, special.documentMask) > 0) {
        expect(sample.positions.at(-1)).toBe(rows - 1);
        expect(rows).toBe(401);
        expect(sample.targets.includes(special.eop)).toBe(false);
        expect(rows - sample.sep).toBeGreaterThanOrEqual(80);
      } else {
        expect(rows).toBeLessThan(190);
      }
    }
  });

  it('can be drawn with every recipe, within its model', () => {
    for (const own of Object.values(RECIPES)) {
      const random = createRandom(3);
      const drawer = sampleDrawer(own, tokenizer);
      for (let at = 0; at < 10; at++) {
        expect(drawer(corpus, random).tokens.length).toBeLessThanOrEqual(own.config.maxLength);
      }
    }
  });
});

const SOURCE = `import { open } from './open.ts';

/**
 * Reads the whole file and gives its lines without the breaks.
 */
export async function readAllLines(path: string): Promise<string[]> {
  const text = await open(path);
  return text.split('\\n');
}

function helper(a: number) {
  // Counting from one is what the caller of this function expects.
  const next = a + 1;
  return next * 2;
}
`;

describe('instruction samples', () => {
  const code = corpusOf(tokenizer, [SOURCE]);
  const random = createRandom(4);
  const drawn = Array.from({ length: 120 }, () =>
    drawInstructionSample({ tokenizer, corpus: code, maxLength: 900 }, random),
  );

  it('say what is wanted in the header and have one blank for it', () => {
    const asked = new Set<string>();
    for (const sample of drawn) {
      const { tokens, sep } = sample as InfillingSample;
      const partA = [...tokens.subarray(0, sep)];
      expect(partA.slice(0, 2)).toEqual([special.enc, special.path]);
      expect(partA.filter((token) => token === special.sentenceMask)).toHaveLength(1);
      const [from, to] = [partA.indexOf(special.instruction as number), partA.indexOf(special.code as number)];
      asked.add(tokenizer.decode(partA.slice(from + 1, to)));
      expect(tokens[sep]).toBe(special.sop);
      expect((sample as InfillingSample).targets.at(-1)).toBe(special.eop);
    }
    const { test, ...ofOneFile } = REQUESTS;
    expect([...asked].sort()).toEqual(Object.values(ofOneFile).flat().sort());
  });

  it('have what stood there as the answer', () => {
    const answers = new Set(
      drawn.map((sample) => tokenizer.decode([...(sample as InfillingSample).tokens.subarray(sample?.sep)])),
    );
    expect([...answers].sort()).toEqual(
      [
        '/**\n * Reads the whole file and gives its lines without the breaks.\n */',
        "const text = await open(path);\n  return text.split('\\n');",
        'readAllLines',
        '// Counting from one is what the caller of this function expects.',
      ].sort(),
    );
  });

  it('ask for the test of a function in another file, and show it', () => {
    const method = 'export function splitWords(text: string): string[] {\n  return text.split(/ +/);\n}';
    const test = "it('splits at spaces', () => {\n  expect(splitWords('a b')).toEqual(['a', 'b']);\n});";
    const files = [
      ['src/words.ts', `const other = 1;\n\n${method}\n`],
      ['test/words.test.ts', `import { splitWords } from '../src/words.ts';\n\n${test}\n`],
      ['test/lines.test.ts', `import { splitWords } from '../src/words.ts';\n\n${test}\n`],
    ] as const;
    const plain = corpusOf(
      tokenizer,
      files.map(([, text]) => text),
    );
    const corpus = {
      ...plain,
      document: (index: number) => ({ ...plain.document(index), path: files[index]?.[0] as string }),
    };
    const own = createRandom(8);
    const samples = Array.from({ length: 60 }, () => drawInstructionSample({ tokenizer, corpus, maxLength: 900 }, own));
    const tests = samples.flatMap((sample) => {
      const { tokens, sep } = sample as InfillingSample;
      const texts = [tokenizer.decode([...tokens.subarray(0, sep)]), tokenizer.decode([...tokens.subarray(sep)])];
      return REQUESTS.test.some((request) => texts[0]?.includes(request)) ? [[tokens, ...texts] as const] : [];
    });
    expect(tests.length).toBeGreaterThan(10);
    for (const [tokens, asked, answer] of tests) {
      expect([...tokens.subarray(0, 2)]).toEqual([special.enc, special.neighbour]);
      expect(asked).toContain(method);
      expect(asked).not.toContain('other');
      expect(asked).toContain('test/words.test.ts');
      expect(answer).toBe(test);
    }
  });

  it('are none where there is nothing to ask, and then others are drawn', () => {
    const bare = corpusOf(tokenizer, ['x = 1\n'.repeat(30)], 'a.css');
    const source = { tokenizer, corpus: bare, maxLength: 900 };
    expect(drawInstructionSample(source, createRandom(5))).toBeUndefined();
    const drawer = sampleDrawer({ ...TOY_RECIPE, instructions: 1 }, tokenizer);
    expect(count(drawer(bare, createRandom(6)), special.instruction as number)).toBe(0);
  });

  it('have their share, and a recipe without them draws what it drew before', () => {
    const both = corpusOf(tokenizer, [SOURCE, SOURCE, SOURCE]);
    const share = (instructions: number) => {
      const drawer = sampleDrawer(
        { ...TOY_RECIPE, config: { ...TOY_RECIPE.config, maxLength: 900 }, instructions },
        tokenizer,
      );
      const own = createRandom(7);
      const samples = Array.from({ length: 300 }, () => drawer(both, own));
      return samples.filter((sample) => count(sample, special.instruction as number) > 0).length / 300;
    };
    expect(share(0)).toBe(0);
    expect(Math.abs(share(0.3) - 0.3)).toBeLessThan(0.08);
  });
});
