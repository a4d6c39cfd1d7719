/** A run that goes back when its loss jumps: what it skips, that a resumed one does the same, and when it gives up. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type PretrainOptions, type Progress, pretrain } from '../../../engine/training/pretrain.ts';
import { type LogEntry, readLog } from '../../../engine/training/run-log.ts';
import { savedSteps } from '../../../engine/training/training-state.ts';
import { JUMPY_RECIPE, TOY_RECIPE, toyRun } from './toy-run.ts';

vi.setConfig({ testTimeout: 120_000 });

const home = mkdtempSync(join(tmpdir(), 'cloze-spikes-'));
afterAll(() => rmSync(home, { recursive: true }));
const folder = (name: string) => mkdtempSync(join(home, `${name}-`));

const options = (run: string, change: Partial<PretrainOptions> = {}) =>
  toyRun(home, run, { recipe: JUMPY_RECIPE, ...change });

const figures = (entries: LogEntry[]) => entries.map(({ tokensPerSecond, ...entry }) => entry);
const logOf = async (run: string) => figures(await readLog(join(run, 'log.jsonl')));

const whole = folder('whole');
const warnings: string[] = [];
const ended = await pretrain(options(whole, { onProgress: ({ warning }) => warning && warnings.push(warning) }));

describe('a run whose loss spikes', () => {
  it('goes back to a checkpoint and on with other data, to its end', async () => {
    const log = await logOf(whole);
    const spikes = log.filter(({ rewoundTo }) => rewoundTo !== undefined);
    expect(spikes.length).toBeGreaterThan(0);
    expect(ended.step).toBe(30);
    expect(ended.watch?.rewinds).toBe(spikes.length);
    expect(warnings).toHaveLength(spikes.length);
    for (const spike of spikes) {
      expect((spike.rewoundTo as number) % 5).toBe(0);
      expect(spike.rewoundTo).toBeLessThan(spike.step);
      const next = log[log.indexOf(spike) + 1] as LogEntry;
      expect(next.step).toBe(spike.rewoundTo);
      expect(next.rewinds).toBe((spike.rewinds ?? 0) + 1);
      // The same step of the attempt before saw other samples.
      const before = log.find(({ step, rewinds }) => step === next.step && rewinds === spike.rewinds);
      if (before) expect(before.loss).not.toBe(next.loss);
    }
  });

  it('counts what it has skipped', async () => {
    const log = await logOf(whole);
    const spikes = log.filter(({ rewoundTo }) => rewoundTo !== undefined);
    // At least the batch that spiked and two more each time.
    expect(ended.watch?.skipped).toBeGreaterThanOrEqual(spikes.length * 3 * TOY_RECIPE.stepTokens);
    expect(ended.tokens).toBe(log.at(-1)?.tokens);
  });

  it('does the same when it is stopped and resumed, wherever that is', async () => {
    const run = folder('resumed');
    let stops = 0;
    for (let done = false; !done; stops++) {
      const stop = new AbortController();
      let steps = 0;
      const onProgress = (_: Progress) => void (++steps === 4 && stop.abort());
      const { step } = await pretrain(
        options(run, { resume: stops > 0, signal: stop.signal, onProgress, saveEvery: 0 }),
      );
      done = step === 30;
      expect(stops).toBeLessThan(60);
    }
    expect(stops).toBeGreaterThan(5);
    expect(await logOf(run)).toEqual(await logOf(whole));
  });

  it('keeps the checkpoints that it may go back to', async () => {
    const steps = await savedSteps(whole);
    expect(steps.filter((step) => step % 5 === 0)).toEqual([25, 30]);
  });

  it('gives up after too many', async () => {
    const recipe = { ...TOY_RECIPE, spike: { rise: -100, window: 3, every: 5, skip: 2, most: 2 } };
    await expect(pretrain(options(folder('hopeless'), { recipe }))).rejects.toThrow(
      'The loss of step 3 spiked after 2 rewinds. Lower the learning rate',
    );
  });
});

describe('the log', () => {
  it('has the norms of the parts, whose squares add up to the whole', async () => {
    for (const { gradientNorm, gradientNorms } of await logOf(whole)) {
      const { embedding, layers, rest } = gradientNorms as NonNullable<typeof gradientNorms>;
      expect(layers).toHaveLength(2);
      expect(Math.hypot(embedding, ...layers, rest) / gradientNorm).toBeCloseTo(1, 2);
    }
  });
});
