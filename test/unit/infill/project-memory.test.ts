/** Places of a project that agree longest, found by their order and by looking at all of them; what is stored and refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MEMORY_GATE_INPUTS, mixCaches } from '../../../engine/infill/cache-gate.ts';
import { createMemoryCache, textCaches } from '../../../engine/infill/document-cache.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { commonBefore, HOLE } from '../../../engine/infill/like-places.ts';
import { buildMemory, familiarity, rememberedText, type TunedMemory } from '../../../engine/infill/project-memory.ts';
import { logSumExp } from '../../../engine/infill/sampling.ts';
import { readMemory, writeMemory } from '../../../engine/infill/stored-memory.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { toy, toyTokenizer } from './toy.ts';

const WORDS = ['alpha', 'beta', 'gamma'];
const tokenizer = toyTokenizer(WORDS);
const [alpha, beta] = WORDS.map((word) => tokenizer.encode(word)[0] as number) as [number, number];
/** Trusts what agrees, whatever the model says. */
const TRUSTING = Array.from({ length: MEMORY_GATE_INPUTS }, (_, index) => (index === 0 ? 5 : 0));
const memoryOf = (...files: [path: string, text: string][]): TunedMemory => ({
  ...buildMemory(files.map(([path, text]) => ({ path, text }))),
  gate: TRUSTING,
});

describe('the order of places', () => {
  it('finds those that agree longest, as looking at every place does', () => {
    const random = createRandom(3);
    const words = ['if (', 'call(', 'alpha', ', ', ');\n', '  ', 'beta.', 'é', 'return '];
    const draw = (count: number) => Array.from({ length: count }, () => words[random.below(words.length)]).join('');
    const memory = buildMemory([
      { path: 'a.ts', text: draw(300) },
      { path: 'b.ts', text: draw(300) },
    ]);
    for (let trial = 0; trial < 40; trial++) {
      const context = `${draw(20)}call(`;
      const found = [...rememberedText(memory, 'other.ts').ends('(', context)];
      const lengths = found.map((at) => commonBefore(memory.text, at, context));
      expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
      const all = Array.from({ length: memory.text.length - 1 }, (_, i) => commonBefore(memory.text, i + 1, context));
      expect(lengths[0]).toBe(Math.max(...all));
      expect(found.length).toBe(Math.min(256, all.filter((length) => length >= 3).length));
    }
  });

  it('leaves out the file at hand, whatever it holds', () => {
    const memory = memoryOf(['a.ts', 'call(alpha)'], ['b.ts', 'call(beta)']);
    const passage = { before: 'call(', after: '', neighbours: [], path: 'b.ts' };
    expect([...(createMemoryCache(tokenizer, passage, memory).votes('', '')?.tokens.keys() ?? [])]).toEqual([alpha]);
  });

  it('does not go on from one file into another', () => {
    const memory = buildMemory([
      { path: 'a.ts', text: 'call(' },
      { path: 'b.ts', text: 'alpha' },
    ]);
    expect([...rememberedText(memory, 'c.ts').ends('(', 'call(')]).toEqual([]);
    expect(memory.text).toBe(`${HOLE}call(${HOLE}alpha${HOLE}`);
  });

  it('takes as many files as have room', () => {
    const large = Array.from({ length: 3000 }, (_, index) => `const name${index} = ${index * index};\n`).join('');
    const files = [
      { path: 'small.ts', text: 'alpha' },
      { path: 'large.ts', text: large },
      { path: 'tiny.ts', text: 'beta' },
    ];
    const paths = (room: number) => buildMemory(files, room).files.map(({ path }) => path);
    expect(paths(large.length + 9)).toEqual(['small.ts', 'large.ts', 'tiny.ts']);
    expect(paths(large.length + 4)).toEqual(['small.ts', 'tiny.ts']);
  });
});

describe('familiarity', () => {
  it('is greater for text of the project than for other text', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `const total${i % 7} = sumOf(orders, invoice${i % 5});\n`);
    const memory = buildMemory([{ path: 'a.ts', text: lines.join('') }]);
    const own = familiarity(memory, 'b.ts', lines.slice(3, 20).join(''), '');
    const other = familiarity(memory, 'b.ts', 'def walk(tree):\n    yield from map(walk, tree.leaves)\n'.repeat(9), '');
    expect(own).toBeGreaterThan(2 * other);
    expect(familiarity(memory, 'b.ts', '', '')).toBe(0);
  });
});

describe('mixing', () => {
  it('adds the memory to what the document says, and keeps a distribution', () => {
    const memory = memoryOf(['a.ts', 'call(alpha)']);
    const passage = { before: 'call(beta)\ncall(', after: '', neighbours: [], path: 'b.ts' };
    const logits = new Float32Array(tokenizer.vocabSize);
    const { logits: mixed, fromDocument } = mixCaches(logits, textCaches(tokenizer, passage, memory), '', '');
    const total = logSumExp(mixed);
    const share = (id: number) => Math.exp((mixed[id] as number) - total);
    expect(share(alpha)).toBeGreaterThan(0.9);
    expect(share(beta)).toBeGreaterThan(share(0));
    expect(share(alpha)).toBeGreaterThanOrEqual((fromDocument?.shares.get(alpha) as number) - 1e-6);
    expect(fromDocument?.shares.get(beta)).toBeGreaterThan(0);
  });

  it('reaches a fill where the model has a memory, and not a call for the model alone', async () => {
    const model = { ...toy({ words: WORDS, voice: () => () => [beta] }), documentCache: true };
    const passage = {
      path: 'b.ts',
      languageId: 'typescript',
      before: 'const again = call(',
      after: '\n',
      forced: '',
      neighbours: [],
      kind: 'sentence' as const,
    };
    const options = { maxTokens: 8, temperature: 0, topP: 1, seed: 0, singleLine: true, timeLimit: 0 };
    const tuned = { ...model, memory: memoryOf(['a.ts', 'first = call(alpha);\n']) };
    expect((await fillBlank(tuned, passage, options)).text).toBe('alpha);');
    const alone = (await fillBlank(model, passage, options)).text;
    expect((await fillBlank(tuned, passage, { ...options, documentCache: false })).text).toBe(alone);
  });
});

describe('a stored memory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloze-memory-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const memory = memoryOf(['a.ts', 'call(alpha)\r\n'], ['é/b.ts', 'ß = beta'], ['c.ts', 'x']);

  it('is read as it was written', async () => {
    expect(await readMemory(folder, 'hash')).toBeUndefined();
    await writeMemory(folder, memory, 'hash');
    expect(await readMemory(folder, 'hash')).toEqual(memory);
  });

  it('is refused where it is damaged or belongs to another model', async () => {
    await expect(readMemory(folder, 'other')).rejects.toThrow(/another tokenizer.*Tune again/);
    const path = join(folder, 'memory.json');
    const stored = JSON.parse(readFileSync(path, 'utf8'));
    const order = readFileSync(join(folder, 'memory.order'));
    const refused = async (change: object, reason: RegExp) => {
      writeFileSync(path, JSON.stringify({ ...stored, ...change }));
      await expect(readMemory(folder, 'hash')).rejects.toThrow(reason);
    };
    await refused({ version: 9 }, /no memory that this version knows/);
    await refused({ gate: [1, 2] }, /no gate of 12 numbers/);
    await refused({ gate: [...stored.gate.slice(1), null] }, /no gate of 12 numbers/);
    await refused({ files: [{ path: 1, text: 'x' }] }, /no list of files/);
    await refused({ files: [{ path: 'a.ts', text: 'x' }] }, /places beyond its text/);
    await refused({ order: 'no' }, /do not belong together/);
    writeFileSync(join(folder, 'memory.order'), order.subarray(4));
    await refused({}, /do not belong together/);
    rmSync(join(folder, 'memory.order'));
    await refused({}, /has no memory.order beside it/);
    writeFileSync(path, 'no');
    await expect(readMemory(folder, 'hash')).rejects.toThrow(/cannot be read/);
  });
});
