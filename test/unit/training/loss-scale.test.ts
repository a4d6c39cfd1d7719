/** The scale of the loss in float16: its rule, a step whose gradients overflow, and whole runs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { FIRST_LOSS_SCALE, type LossScale, nextLossScale } from '../../../engine/training/loss-scale.ts';
import { pretrain } from '../../../engine/training/pretrain.ts';
import { readLog } from '../../../engine/training/run-log.ts';
import { randomBatch, randomTensors, SMALLEST, trainerOf } from '../native/tiny.ts';
import { TOY_RECIPE, toyRun } from './toy-run.ts';

const scaleAfter = (first: LossScale, ...overflows: boolean[]) => overflows.reduce(nextLossScale, first);

describe('the rule', () => {
  it('bears one overflow, then halves with each', () => {
    expect(scaleAfter(FIRST_LOSS_SCALE, true)).toEqual({ scale: 2 ** 16, calm: 0, patience: 1, skipped: 1 });
    expect(scaleAfter(FIRST_LOSS_SCALE, true, true)).toEqual({ scale: 2 ** 15, calm: 0, patience: 1, skipped: 2 });
    expect(scaleAfter(FIRST_LOSS_SCALE, true, true, false, true)).toMatchObject({ scale: 2 ** 14, skipped: 3 });
  });

  it('doubles after 2,000 steps without one, and is patient again', () => {
    const calm = new Array<boolean>(1999).fill(false);
    expect(scaleAfter(FIRST_LOSS_SCALE, ...calm).scale).toBe(2 ** 16);
    expect(scaleAfter(FIRST_LOSS_SCALE, true, ...calm).scale).toBe(2 ** 16);
    expect(scaleAfter(FIRST_LOSS_SCALE, true, ...calm, false)).toEqual({
      scale: 2 ** 17,
      calm: 0,
      patience: 2,
      skipped: 1,
    });
  });

  it('gives up at the least scale', () => {
    const least = { scale: 1, calm: 5, patience: 1, skipped: 40 };
    expect(() => nextLossScale(least, true)).toThrow(
      'Gradients overflow in float16 though the loss is scaled by 1 alone.',
    );
  });
});

describe('a step', () => {
  const OPTIMIZER = { ...TOY_RECIPE.optimizer, learningRate: 1e-2, clip: 0.1 };
  const open = (precision: 'float32' | 'float16') =>
    trainerOf(SMALLEST, randomTensors(SMALLEST, createRandom(1)), { precision });
  const name = 'transformer.layers.0.mlp.dense_4h_to_h.weight';

  it('is the same with a scaled loss', async () => {
    const [plain, scaled] = [await open('float32'), await open('float32')];
    const batch = randomBatch(SMALLEST, 2);
    for (const [trainer, lossScale] of [
      [plain, 1],
      [scaled, 1024],
    ] as const) {
      trainer.zeroGradients();
      await trainer.forwardBackward(batch, lossScale / 155, 1);
      await trainer.update({ ...OPTIMIZER, lossScale });
    }
    expect(scaled.get(name, 'parameter')).toEqual(plain.get(name, 'parameter'));
    expect(scaled.get(name, 'moment2')).toEqual(plain.get(name, 'moment2'));
  });

  it('whose gradients overflow changes nothing', async () => {
    const trainer = await open('float16');
    const before = trainer.get(name, 'parameter');
    trainer.zeroGradients();
    const { sum } = await trainer.forwardBackward(randomBatch(SMALLEST, 2), 2 ** 40, 1);
    expect(Number.isFinite(sum)).toBe(true);
    expect(Number.isFinite(await trainer.update({ ...OPTIMIZER, lossScale: 2 ** 40 }))).toBe(false);
    expect(trainer.get(name, 'parameter')).toEqual(before);
    expect(trainer.get(name, 'moment1')).toEqual(new Float32Array(before.length));
    expect(trainer.steps).toBe(0);
  });
});

describe('a run in float16', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'cloze-loss-scale-'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });
  const float16 = { level: '', threads: 1, precision: 'float16' as const };
  const logOf = (run: string) => readLog(join(run, 'log.jsonl'));

  it('learns as one in float32 does', async () => {
    const [exact, halves] = [join(home, 'exact'), join(home, 'halves')];
    await pretrain(toyRun(home, exact));
    await pretrain(toyRun(home, halves, { execution: float16 }));
    const [wanted, found] = [await logOf(exact), await logOf(halves)];
    expect(found).toHaveLength(30);
    for (const [index, { loss, gradientNorm, lossScale }] of found.entries()) {
      expect(lossScale).toBe(2 ** 16);
      expect(loss / (wanted[index]?.loss as number)).toBeCloseTo(1, 1);
      if (index < 5) expect(gradientNorm / (wanted[index]?.gradientNorm as number)).toBeCloseTo(1, 1);
    }
  });

  it('skips steps that overflow, and is the same when it was stopped among them', async () => {
    const runs = await Promise.all(
      [30, 12].map(async (stop) => {
        const run = join(home, `run-${stop}`);
        await pretrain(stopped(toyRun(home, run, { execution: float16 }), 10));
        // What thousands of calm steps would have led to.
        const path = join(run, 'checkpoints', 'step-10', 'position.json');
        const position = JSON.parse(readFileSync(path, 'utf8'));
        writeFileSync(path, JSON.stringify({ ...position, lossScale: { ...position.lossScale, scale: 2 ** 25 } }));
        await pretrain(stopped(toyRun(home, run, { execution: float16, resume: true }), stop));
        if (stop < 30) await pretrain(toyRun(home, run, { execution: float16, resume: true }));
        return run;
      }),
    );
    const [whole = [], parted = []] = await Promise.all(runs.map(logOf));
    const plain = (entries: typeof whole) => entries.map(({ tokensPerSecond: _, ...entry }) => entry);
    expect(plain(parted)).toEqual(plain(whole));
    const overflows = whole.map(({ overflowed }) => overflowed ?? false);
    expect(overflows.slice(0, 12)).toEqual([...new Array<boolean>(10).fill(false), true, true]);
    const first = { ...FIRST_LOSS_SCALE, scale: 2 ** 25 };
    expect(whole.at(-1)?.lossScale).toBe(overflows.slice(10, -1).reduce(nextLossScale, first).scale);
    expect(whole.at(-1)?.loss).toBeLessThan(whole[9]?.loss as number);
  });
});

/** Ends after step `step`. */
function stopped(options: ReturnType<typeof toyRun>, step: number): ReturnType<typeof toyRun> {
  const stop = new AbortController();
  return {
    ...options,
    signal: stop.signal,
    onProgress: (progress) => {
      if (progress.step >= step) stop.abort();
    },
  };
}
