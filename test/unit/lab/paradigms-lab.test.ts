/** The whole lab at a tiny size: every paradigm is trained and measured, what is finished is kept, what was stopped goes on. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bart, t5 } from '../../../engine/lab/paradigms/encoder-decoder.ts';
import { type LabOptions, type LabRun, runLab } from '../../../engine/lab/paradigms/lab.ts';
import { labConfig, USUAL } from '../../../engine/lab/paradigms/plan.ts';
import { labParadigms } from '../../../engine/lab/paradigms/registry.ts';
import { labMarkdown, labPlots, labReport } from '../../../engine/lab/paradigms/report.ts';
import { type GlmConfig, parameterCount } from '../../../engine/model/config.ts';
import type { PackedCorpus } from '../../../engine/training/corpus/packed-corpus.ts';
import { readLog } from '../../../engine/training/run-log.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { corpusOf } from '../training/toy-corpus.ts';

// Whole runs take what a busy machine lets them have.
vi.setConfig({ testTimeout: 180_000 });

const home = mkdtempSync(join(tmpdir(), 'cloze-lab-'));
afterAll(() => rmSync(home, { recursive: true }));
writeFileSync(join(home, 'tokenizer.json'), '{}');

const WORDS =
  'function|return |const |the | and |python|typescript|javascript|alpha|beta|gamma|delta|    |  |gives| adds'.split(
    '|',
  );
const tokenizer = toyTokenizer(WORDS);
const NAMES = ['alpha', 'beta', 'gamma', 'delta'];

function source(language: string, seed: number): string {
  const [a, b, c] = [0, 1, 2].map((step) => NAMES[(seed + step) % NAMES.length] as string);
  if (language === 'python') {
    return `def ${a}(${b}):\n    """Adds the ${b} and gives the ${c} back to all."""\n    ${c} = ${b} + ${seed}\n    return ${c}\n\n`.repeat(
      4,
    );
  }
  const type = language === 'typescript' ? ': number' : '';
  return `/** Adds the ${b} and gives the ${c} back to all. */\nfunction ${a}(${b}${type}) {\n  const ${c} = ${b} + ${seed};\n  return ${c};\n}\n\n`.repeat(
    4,
  );
}

/** Documents of three languages in turn, each of a package of its own. */
function corpus(name: string, from: number, count: number): PackedCorpus {
  const languages = ['python', 'typescript', 'javascript'] as const;
  const languageOf = (index: number) => languages[index % 3] as string;
  const texts = Array.from({ length: count }, (_, index) => source(languageOf(index), from + index));
  const packed = corpusOf(tokenizer, texts);
  return {
    ...packed,
    document: (index) => ({ ...packed.document(index), language: languageOf(index), package: `${name}-${index}` }),
  };
}

const corpora = { training: corpus('training', 0, 90), heldOut: corpus('held-out', 50, 9), fingerprint: 'toy' };

function options(folder: string, change: Partial<LabOptions> = {}): LabOptions {
  return {
    paradigms: labParadigms,
    training: { layers: 2, hiddenSize: 32, tokens: 6 * 2048, length: 192 },
    measuring: { blanks: 3, texts: 2, descriptions: 2, tasks: ['language'], examples: 6, dev: 3, test: 6, epochs: 1 },
    seeds: [1],
    folder: join(home, folder),
    tokenizer,
    tokenizerFolder: home,
    tokenizerSha256: '0'.repeat(64),
    corpus: corpora,
    execution: { level: '', threads: 1, precision: 'float32' },
    saveEvery: 1e9,
    ...change,
  };
}

const fresh: string[] = [];
const runs = await runLab(options('whole', { onRun: (run, isFresh) => isFresh && fresh.push(run.paradigm) }));
const runFolder = (lab: string, name: string) => {
  const plan = readdirSync(join(home, lab))[0] as string;
  return join(home, lab, plan, readdirSync(join(home, lab, plan))[0] as string, name);
};

describe('a lab', () => {
  it('trains and measures every paradigm with equal rows and parameters', () => {
    const names = labParadigms.map(({ name }) => name);
    expect(fresh).toEqual(names);
    expect(runs.map(({ paradigm }) => paradigm)).toEqual(names);
    for (const { rows, counted } of runs) {
      expect(rows).toBeGreaterThanOrEqual(6 * 2048);
      expect(rows).toBeLessThan(6 * (2048 + 400));
      expect(counted).toBeLessThanOrEqual(rows);
    }
    const { training } = options('');
    const inOneStack = labParadigms.filter(({ name }) => name !== 't5' && name !== 'bart');
    const sizes = inOneStack.map(({ config }) => parameterCount(labConfig(training, tokenizer.vocabSize, config)));
    expect(new Set(sizes).size).toBe(1);
  });

  it('gives an encoder-decoder as many parameters, in two stacks', () => {
    const [own, other] = [undefined, bart.config].map((change) => labConfig(USUAL, 16_384, change));
    expect(parameterCount(other as GlmConfig) / parameterCount(own as GlmConfig)).toBeCloseTo(1, 2);
    const t5Config = labConfig(USUAL, 16_384, t5.config);
    expect(t5Config).toEqual({ ...other, vocabSize: 16_384 + 64 });
    expect(other?.decoderLayers).toBe(3);
    expect(() => labConfig({ ...USUAL, layers: 1 }, 300, t5.config)).toThrow('a layer in each of its two stacks');
  });

  it('measures what each can do, and says what it cannot', () => {
    for (const { paradigm, measured } of runs) {
      expect(measured.blanks.map(({ kind }) => kind)).toEqual(['rest of line', 'short span']);
      for (const { exact, similarity, told } of measured.blanks) {
        if (paradigm === 'autoencoding' || paradigm === 'permutation') expect(told).toBe(similarity);
        expect(told).toBeLessThanOrEqual(1);
        expect(exact).toBeGreaterThanOrEqual(0);
        expect(similarity).toBeGreaterThanOrEqual(exact);
        expect(similarity).toBeLessThanOrEqual(1);
      }
      if (paradigm === 'autoencoding') expect([measured.texts, measured.descriptions]).toEqual([null, null]);
      else {
        // 288 tokens of at least a byte: a uniform guess takes 8.2 bits of a token.
        expect(measured.texts).toBeGreaterThan(0);
        expect(measured.texts).toBeLessThan(9);
        expect(measured.descriptions).toBeLessThan(9);
      }
      const [language] = measured.understanding;
      expect(language?.task).toBe('language');
      expect(language?.head).toBeGreaterThanOrEqual(0);
      // The blank comes before the code.
      const left = paradigm === 'autoregressive' || paradigm === 'prefix-lm';
      expect(language?.cloze === null).toBe(left);
    }
  });

  it('is not run twice: what is finished is read back', async () => {
    const seen: [string, boolean][] = [];
    const again = await runLab(options('whole', { onRun: ({ paradigm }, isFresh) => seen.push([paradigm, isFresh]) }));
    expect(again).toEqual(runs);
    expect(seen.every(([, isFresh]) => !isFresh)).toBe(true);
    expect(existsSync(join(runFolder('whole', 'glm-1'), 'checkpoints'))).toBe(false);
  });

  it('measures again, without training, where it is asked something else', async () => {
    const glm = labParadigms.filter(({ name }) => name === 'glm');
    const before = readFileSync(join(runFolder('whole', 'glm-1'), 'log.jsonl'), 'utf8');
    const measuring = { ...options('').measuring, blanks: 2, tasks: [] };
    const [run] = await runLab(options('whole', { paradigms: glm, measuring }));
    expect(run?.measured.understanding).toEqual([]);
    expect(run?.measured.texts).toBe(runs.find(({ paradigm }) => paradigm === 'glm')?.measured.texts);
    expect(readFileSync(join(runFolder('whole', 'glm-1'), 'log.jsonl'), 'utf8')).toBe(before);
  });

  it('goes on where it was stopped, to the same figures', async () => {
    const paradigms = labParadigms.filter(({ name }) => name === 'glm' || name === 'permutation');
    const stop = new AbortController();
    const stopping = options('stopped', {
      paradigms,
      signal: stop.signal,
      onProgress: (_, { step }) => step === 2 && stop.abort(),
    });
    await expect(runLab(stopping)).rejects.toThrow(/abort/i);
    expect(existsSync(join(runFolder('stopped', 'permutation-1'), 'trained.json'))).toBe(false);
    const again = await runLab(options('stopped', { paradigms }));
    expect(again).toEqual(runs.filter(({ paradigm }) => paradigm === 'glm' || paradigm === 'permutation'));
    const [log, whole] = await Promise.all(
      ['stopped', 'whole'].map((lab) => readLog(join(runFolder(lab, 'permutation-1'), 'log.jsonl'))),
    );
    expect(log?.map(({ loss }) => loss)).toEqual(whole?.map(({ loss }) => loss));
  });
});

describe('the report', () => {
  /** Three seeds around a value of each paradigm. */
  const made = (values: Record<string, number>): LabRun[] =>
    [1, 2, 3].flatMap((seed) =>
      Object.entries(values).map(([paradigm, value]) => ({
        paradigm,
        seed,
        rows: 100,
        counted: 50,
        measured: {
          blanks: ['rest of line', 'short span'].map((kind) => ({
            kind: kind as 'rest of line',
            exact: value / 2,
            similarity: value + seed / 1000,
            told: value,
          })),
          texts: paradigm === 'autoencoding' ? null : 1 + value + seed / 1000,
          descriptions: paradigm === 'autoencoding' ? null : 1 + value,
          understanding: [{ task: 'language', head: 0.5 + (seed - 2) * value, cloze: null }],
        },
      })),
    );
  const subject = {
    command: 'cloze lab paradigms --seeds 3',
    commit: 'abc',
    training: options('').training,
    measuring: options('').measuring,
    parameters: 1_000_000,
    corpus: '0123456789abcdef',
    machine: 'toy',
  };
  const report = labReport(subject, labParadigms, made({ glm: 0.4, autoregressive: 0.2, autoencoding: 0.3 }));

  it('has the mean over seeds with Student’s interval', () => {
    const row = report.rows.find(({ paradigm }) => paradigm === 'glm');
    const similarity = row?.blanks[0]?.similarity;
    expect(similarity?.value).toBeCloseTo(0.402, 10);
    // Deviation 0.001 over three runs: 4.303 * 0.001 / sqrt(3).
    expect((similarity?.high as number) - (similarity?.value as number)).toBeCloseTo(0.0024844, 6);
  });

  it('says of each claim whether it holds, and nothing of paradigms that are missing', () => {
    const found = Object.fromEntries(
      report.verdicts.map(({ claim, verdict }) => [`${claim.better} ${claim.figure}`, verdict]),
    );
    expect(found).toEqual({
      'glm rest of line': 'agrees',
      'autoregressive texts': 'agrees',
      'autoencoding head': 'cannot be told',
    });
    const reverse = labReport(subject, labParadigms, made({ glm: 0.1, autoregressive: 0.2 }));
    expect(reverse.verdicts.map(({ verdict }) => verdict)).toEqual(['disagrees', 'disagrees']);
  });

  it('is a page that names command, commit and scale, with its drawings', () => {
    const page = labMarkdown(report);
    expect(page).toContain('`cloze lab paradigms --seeds 3`, built from commit abc');
    expect(page).toContain('far below what the experiment is meant for');
    expect(page).toContain('| Autoencoding (BERT, RoBERTa) | does not write | does not write |');
    expect(page).toContain(
      '| GLM | both sides | found by the model | 20.0 (20.0 to 20.0) | 40.2 (40.0 to 40.4) | 40.0 (40.0 to 40.0) |',
    );
    for (const [name, svg] of Object.entries(labPlots(report))) {
      expect(page).toContain(`figures/${name}`);
      expect(svg).toContain('</svg>');
    }
  });

  it('claims no interval for one run', () => {
    const one = labReport(subject, labParadigms, made({ glm: 0.4, autoregressive: 0.2 }).slice(0, 2));
    expect(labMarkdown(one)).toContain('| GLM | both sides | found by the model | 20.0 | 40.1 | 40.0 |');
    expect(one.verdicts.every(({ verdict }) => verdict === 'cannot be told')).toBe(true);
    expect(Object.values(labPlots(one)).join()).not.toContain('Infinity');
  });
});
