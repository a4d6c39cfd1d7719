/** Whole runs of a tiny model: it learns, goes on after any interruption to the bit, and survives a refusing disk. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { floatsOf } from '../../../engine/checkpoint/safetensors.ts';
import { tensorShapes } from '../../../engine/model/config.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { loadAddon } from '../../../engine/native.ts';
import { type PretrainOptions, type Progress, pretrain } from '../../../engine/training/pretrain.ts';
import type { Recipe } from '../../../engine/training/recipes.ts';
import { type LogEntry, readLog } from '../../../engine/training/run-log.ts';
import { restoreState, savedPosition, savedSteps, saveState } from '../../../engine/training/training-state.ts';
import { toyTokenizer } from '../infill/toy.ts';
import { gradientsOf, randomBatch } from '../native/tiny.ts';
import { corpusOf, program } from './toy-corpus.ts';

// Whole runs take what a busy machine lets them have.
vi.setConfig({ testTimeout: 120_000 });

const home = mkdtempSync(join(tmpdir(), 'cloze-pretrain-'));
afterAll(() => rmSync(home, { recursive: true }));
const folder = (name: string) => mkdtempSync(join(home, `${name}-`));

const tokenizerFolder = folder('tokenizer');
writeFileSync(join(tokenizerFolder, 'tokenizer.json'), '{}');
const tokenizer = toyTokenizer(['function', '  ', 'const ', 'return ', 'alpha', 'beta', 'gamma', 'delta', 'call(']);

const STEPS = 24;
const RECIPE: Recipe = {
  name: 'toy',
  config: {
    vocabSize: 288,
    hiddenSize: 32,
    innerSize: 48,
    layers: 2,
    heads: 2,
    maxLength: 256,
    positions: 'rotary-2d',
    norm: 'deepnorm',
    residualAlpha: 2,
    activation: 'geglu',
    qkvLayout: 'per-head',
    tiedEmbedding: true,
    layerNormEpsilon: 1e-5,
    rotaryFloat16: true,
  },
  stepTokens: 500,
  microTokens: 260,
  optimizer: { clip: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, decayAll: false },
  schedule: { peak: 2e-2, floor: 0.1, warmup: 4, decayShare: 0.25 },
  embeddingShrink: { alpha: 1, head: false },
  samples: {
    weights: { sentence: 2, document: 1, token: 1 },
    shortest: 40,
    usual: 80,
    longest: 100,
    long: 0.1,
    neighbour: 0.1,
    single: 0.35,
    several: { most: 6, leastShare: 0.35, mostShare: 0.35 },
  },
};

function optionsOf(run: string, change: Partial<PretrainOptions> = {}): PretrainOptions {
  return {
    recipe: RECIPE,
    run,
    tokenizer,
    tokenizerFolder,
    tokenizerSha256: '0'.repeat(64),
    corpus: corpusOf(tokenizer, [1, 2, 3, 4].map(program)),
    heldOut: corpusOf(tokenizer, [5].map(program)),
    seed: 7,
    tokens: STEPS * RECIPE.stepTokens,
    resume: false,
    execution: { level: '', threads: 2, precision: 'float32' },
    saveEvery: 1e9,
    ...change,
  };
}

/** Runs until step `last` has been made, then asks the run to end. */
async function runUntil(last: number, options: PretrainOptions): Promise<void> {
  const stop = new AbortController();
  const onProgress = ({ step }: Progress) => void (step === last && stop.abort());
  expect((await pretrain({ ...options, signal: stop.signal, onProgress })).step).toBe(last);
}

/** Without the one figure that the clock decides. */
const figures = (entries: LogEntry[]) => entries.map(({ tokensPerSecond, ...entry }) => entry);
const logOf = async (run: string) => figures(await readLog(join(run, 'log.jsonl')));
const modelOf = (run: string) => readFile(join(run, 'model/model.safetensors'));

const whole = folder('whole');
const ended = await pretrain(optionsOf(whole));

describe('an uninterrupted run', () => {
  it('learns', async () => {
    const log = await logOf(whole);
    expect(log.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, step) => step));
    const mean = (entries: { loss: number }[]) => entries.reduce((sum, { loss }) => sum + loss, 0) / entries.length;
    expect(mean(log.slice(0, 2))).toBeGreaterThan(5);
    expect(mean(log.slice(-4))).toBeLessThan(0.7 * mean(log.slice(0, 2)));
    const heldOut = log.flatMap((entry) => entry.heldOut ?? []);
    expect(heldOut).toHaveLength(1);
    expect(heldOut[0]).toBeLessThan(0.75 * mean(log.slice(0, 2)));
  });

  it('counts what it has seen', async () => {
    const log = await logOf(whole);
    expect(ended).toMatchObject({ recipe: 'toy', seed: 7, step: STEPS });
    expect(log.at(-1)?.tokens).toBe(ended.tokens);
    expect(ended.tokens).toBeGreaterThanOrEqual(STEPS * RECIPE.stepTokens);
    expect(ended.counted).toBeLessThan(ended.tokens);
    expect(await savedPosition(whole)).toEqual(ended);
  });

  it('leaves a model folder that is read back with the trained weights', async () => {
    const model = await loadModelFolder(join(whole, 'model'));
    expect(model.config).toEqual(RECIPE.config);
    expect(model.metadata).toEqual({
      recipe: 'toy',
      seed: '7',
      tokens: String(ended.tokens),
      tokenizer_sha256: '0'.repeat(64),
    });
    expect(existsSync(join(whole, 'model/tokenizer.json'))).toBe(true);
    const trainer = new (loadAddon().Trainer)(RECIPE.config, optionsOf(whole).execution);
    await restoreState(whole, trainer, tensorShapes(RECIPE.config), STEPS);
    for await (const { name, dtype, data } of model.tensors()) {
      expect(dtype).toBe('BF16');
      const exact = trainer.get(name, 'parameter');
      for (const [i, value] of floatsOf(data, dtype).entries()) {
        expect(Math.abs(value - (exact[i] as number)), name).toBeLessThanOrEqual(
          2 ** -8 * Math.abs(exact[i] as number),
        );
      }
    }
  });
});

describe('a run that is interrupted and resumed', () => {
  it('has the losses of the uninterrupted one, whatever the threads', async () => {
    const run = folder('stopped');
    await runUntil(9, optionsOf(run));
    const progress: number[] = [];
    await pretrain(
      optionsOf(run, {
        resume: true,
        execution: { level: '', threads: 1, precision: 'float32' },
        onProgress: ({ step }) => progress.push(step),
      }),
    );
    expect(progress[0]).toBe(10);
    expect(await logOf(run)).toEqual(await logOf(whole));
    expect(await modelOf(run)).toEqual(await modelOf(whole));
  });

  it('goes on from its last whole checkpoint after a kill, over what was left half written', async () => {
    const run = folder('killed');
    await runUntil(11, optionsOf(run, { saveEvery: 0 }));
    expect(await savedSteps(run)).toEqual([10, 11]);
    // As if killed while the checkpoint of step 11 was written: the log is ahead of the newest whole checkpoint.
    const checkpoints = join(run, 'checkpoints');
    cpSync(join(checkpoints, 'step-11'), join(checkpoints, 'writing-11'), { recursive: true });
    writeFileSync(join(checkpoints, 'writing-11/moment2.safetensors'), 'cut');
    rmSync(join(checkpoints, 'step-11'), { recursive: true });
    writeFileSync(join(run, 'log.jsonl'), `${await readFile(join(run, 'log.jsonl'), 'utf8')}{"step":11,"to`);
    await pretrain(optionsOf(run, { resume: true }));
    expect(await logOf(run)).toEqual(await logOf(whole));
    expect(await modelOf(run)).toEqual(await modelOf(whole));
    expect(readdirSync(checkpoints).sort()).toEqual(['step-10', `step-${STEPS}`]);
  });

  it('that had come to its end stays as it is', async () => {
    const run = folder('ended');
    cpSync(whole, run, { recursive: true });
    expect(await pretrain(optionsOf(run, { resume: true }))).toEqual(ended);
    expect(await logOf(run)).toEqual(await logOf(whole));
    expect(await modelOf(run)).toEqual(await modelOf(whole));
  });

  it('begins anew where there is no checkpoint', async () => {
    const run = folder('fresh');
    await pretrain(optionsOf(run, { resume: true }));
    expect(await logOf(run)).toEqual(await logOf(whole));
  });
});

describe('what a run refuses', () => {
  it('a folder with another run in it', async () => {
    await expect(pretrain(optionsOf(whole))).rejects.toThrow(
      `${whole} holds a run that has come to step ${STEPS}. Resume it, or choose another folder.`,
    );
    const other = { ...RECIPE, name: 'other', config: { ...RECIPE.config, hiddenSize: 64 } };
    await expect(pretrain(optionsOf(whole, { resume: true, recipe: other }))).rejects.toThrow(
      /recipe toy with seed 7; asked for are other and 7/,
    );
    await expect(pretrain(optionsOf(whole, { resume: true, seed: 8 }))).rejects.toThrow(/asked for are toy and 8/);
    expect(await logOf(whole)).toHaveLength(STEPS);
  });

  it('a loss that is no number', async () => {
    const run = folder('diverged');
    await runUntil(3, optionsOf(run));
    const reckless = { ...RECIPE, schedule: { ...RECIPE.schedule, peak: Number.NaN } };
    await expect(pretrain(optionsOf(run, { resume: true, recipe: reckless }))).rejects.toThrow(
      /The loss of step 4 is not finite/,
    );
    expect(await savedSteps(run)).toEqual([3]);
  });
});

describe('a disk that refuses', () => {
  it('is reported at every step while the run goes on, and at its end', async () => {
    const run = folder('refused');
    writeFileSync(join(run, 'checkpoints'), 'a file where the folder should be');
    const warnings: (string | undefined)[] = [];
    const options = optionsOf(run, { saveEvery: 0, onProgress: ({ warning }) => warnings.push(warning) });
    await expect(pretrain(options)).rejects.toThrow(`The checkpoint of step ${STEPS} could not be written`);
    expect(warnings).toHaveLength(STEPS);
    for (const [step, warning] of warnings.entries()) {
      expect(warning).toContain(`The checkpoint of step ${step + 1} could not be written`);
    }
    expect(await logOf(run)).toEqual(await logOf(whole));
  });

  it('is forgotten once it accepts again', async () => {
    const run = folder('accepted');
    writeFileSync(join(run, 'checkpoints'), '');
    const warned: boolean[] = [];
    const onProgress = ({ step, warning }: Progress) => {
      warned.push(warning !== undefined);
      if (step === 3) rmSync(join(run, 'checkpoints'));
    };
    await pretrain(optionsOf(run, { saveEvery: 0, onProgress }));
    expect(warned).toEqual(Array.from({ length: STEPS }, (_, step) => step < 3));
    expect(await modelOf(run)).toEqual(await modelOf(whole));
  });

  it('at the start ends the run with the reason', async () => {
    const file = join(folder('file'), 'run');
    writeFileSync(file, '');
    await expect(pretrain(optionsOf(file))).rejects.toThrow(/EEXIST|ENOTDIR/);
  });
});

describe('a checkpoint', () => {
  const { config } = RECIPE;
  const position = { recipe: 'toy', seed: 1, step: 0, tokens: 0, counted: 0, random: [1, 2, 3, 4] as const };
  const newTrainer = () => new (loadAddon().Trainer)(config, { level: '', threads: 1, precision: 'float32' });

  it('holds everything that the next step depends on, the two newest being kept', async () => {
    const run = folder('state');
    const trainer = newTrainer();
    await restoreState(whole, trainer, tensorShapes(config), STEPS);
    const batch = randomBatch(config, 3);
    const step = async (own: typeof trainer) => {
      const { sum } = await gradientsOf(own, config, batch, 0.01);
      return [sum, await own.update({ ...RECIPE.optimizer, learningRate: 1e-3 })];
    };
    for (let at = 1; at <= 4; at++) {
      await step(trainer);
      await saveState(run, trainer, tensorShapes(config), {
        ...position,
        random: [...position.random],
        step: STEPS + at,
      });
    }
    expect(await savedSteps(run)).toEqual([STEPS + 3, STEPS + 4]);
    const restored = newTrainer();
    await restoreState(run, restored, tensorShapes(config), STEPS + 4);
    expect(restored.steps).toBe(STEPS + 4);
    for (let at = 0; at < 2; at++) expect(await step(restored)).toEqual(await step(trainer));
  });

  it('counts only when its folder has its final name', async () => {
    const run = folder('names');
    for (const name of ['writing-9', 'step-3', 'step-12', 'step-x', 'other']) {
      mkdirSync(join(run, 'checkpoints', name), { recursive: true });
    }
    expect(await savedSteps(run)).toEqual([3, 12]);
    expect(await savedSteps(join(run, 'nowhere'))).toEqual([]);
    expect(await savedPosition(join(run, 'nowhere'))).toBeUndefined();
  });

  it('that is damaged says which file', async () => {
    const run = folder('damaged');
    cpSync(whole, run, { recursive: true });
    const path = join(run, 'checkpoints', `step-${STEPS}`, 'moment1.safetensors');
    writeFileSync(path, 'damaged');
    await expect(pretrain(optionsOf(run, { resume: true }))).rejects.toThrow(`${path}: 7 bytes are too few`);
  });
});
