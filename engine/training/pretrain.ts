/**
 * A pretraining run: samples -> batches -> native steps -> log and checkpoints. A resumed run draws the samples and
 * computes the losses that the uninterrupted one would have.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { adapterShapes, attachAdapters } from '../model/adapters.ts';
import { tensorShapes } from '../model/config.ts';
import { type ModelFolder, TOKENIZER_HASH } from '../model/load.ts';
import { type ExecutionOptions, loadAddon, type NativeTrainer } from '../native.ts';
import type { InfillingSample } from '../objective/blank-infilling.ts';
import { createRandom, type Random, resumeRandom } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { countRows, microBatches, toBatch } from './batch.ts';
import { planSteps } from './batch-ramp.ts';
import type { PackedCorpus } from './corpus/packed-corpus.ts';
import { shrinkAt } from './embedding-shrink.ts';
import { exportModel } from './export-model.ts';
import { groupNorms, roundedNorms, wholeNorm } from './gradient-norms.ts';
import { grownTensors } from './grow.ts';
import { initialTensors } from './initialize.ts';
import { FIRST_LOSS_SCALE, nextLossScale } from './loss-scale.ts';
import type { Recipe } from './recipes.ts';
import { rewind } from './rewind.ts';
import { type LogEntry, openRunLog } from './run-log.ts';
import { sampleDrawer } from './sample-drawer.ts';
import { learningRate, planSchedule } from './schedule.ts';
import { isRewindPoint, isSpike, NO_SPIKES, watchLoss } from './spike.ts';
import { type RunPosition, restoreState, savedPosition, savePosition, saveState } from './training-state.ts';

export interface PretrainOptions {
  recipe: Recipe;
  /** Folder of the run: log, checkpoints, model. */
  run: string;
  tokenizer: Tokenizer;
  /** Folder that holds tokenizer.json, copied beside the exported model. */
  tokenizerFolder: string;
  /** Of that file; kept with the weights, so that another tokenizer is noticed. */
  tokenizerSha256: string;
  corpus: PackedCorpus;
  /** Held-out documents for the validation loss. */
  heldOut: PackedCorpus;
  seed: number;
  /**
   * Seed of a generator of the samples' own, so that models of any shape see the same ones. Without it the samples are
   * drawn on from where the initial weights left the run's generator.
   */
  dataSeed?: number | undefined;
  /** Rows to see in all. */
  tokens: number;
  resume: boolean;
  /** A trained model that a new run begins with, instead of random weights (grow.ts). */
  from?: ModelFolder | undefined;
  execution: ExecutionOptions;
  /** Seconds between checkpoints. */
  saveEvery: number;
  onProgress?: (progress: Progress) => void;
  /** Ends the run after the step under way, with a checkpoint. */
  signal?: AbortSignal;
}

export interface Progress {
  step: number;
  steps: number;
  tokens: number;
  tokensPerSecond: number;
  loss: number;
  heldOut: number | undefined;
  learningRate: number;
  secondsLeft: number;
  /** Set when a checkpoint or the log could not be written (the run tries again later), or the loss has spiked. */
  warning?: string;
}

const VALIDATION_SAMPLES = 64;
const VALIDATION_EVERY = 100;

/** Trains until `tokens` are seen or `signal` fires; returns the final position. The model is exported at the end. */
export async function pretrain(options: PretrainOptions): Promise<RunPosition> {
  const { recipe, run, corpus, tokenizer, heldOut, execution, seed } = options;
  const { config } = recipe;
  await mkdir(run, { recursive: true });
  const found = await savedPosition(run);
  if (found && !options.resume) {
    throw new Error(`${run} holds a run that has come to step ${found.step}. Resume it, or choose another folder.`);
  }
  if (found && (found.recipe !== recipe.name || found.seed !== seed)) {
    throw new Error(
      `${run} holds a run of recipe ${found.recipe} with seed ${found.seed}; asked for are ${recipe.name} and ${seed}. Choose another folder or the same recipe and seed.`,
    );
  }
  const trainer = new (loadAddon().Trainer)(config, execution);
  const { steps, tokensAt } = planSteps(options.tokens, recipe.stepTokens, recipe.ramp);
  const schedule = planSchedule(recipe.schedule, steps);
  const remedy = recipe.spike;

  const shapes = recipe.adapters ? adapterShapes(config, recipe.adapters.rank) : tensorShapes(config);
  let position: RunPosition;
  if (found && !recipe.adapters) {
    await restoreState(run, trainer, shapes, found.step);
    position = found;
  } else {
    const random = createRandom(seed);
    const first = options.from ? grownTensors(options.from, config) : initialTensors(config, random);
    for await (const { name, values } of first) trainer.set(name, values, 'parameter');
    if (recipe.adapters) attachAdapters(trainer, config, recipe.adapters, random);
    await trainer.pack();
    const data = options.dataSeed === undefined ? random : createRandom(options.dataSeed);
    position = found ?? { recipe: recipe.name, seed, step: 0, tokens: 0, counted: 0, random: data.state() };
    // Adapters are kept without the weights below them.
    if (found) await restoreState(run, trainer, shapes, found.step);
    else if (options.from) position.from = origin(options.from);
  }

  const draw = sampleDrawer(recipe, tokenizer);
  const drawStep = (random: Random, step: number): InfillingSample[] => {
    const samples: InfillingSample[] = [];
    for (let rows = 0; rows < tokensAt(step); rows += (samples.at(-1) as InfillingSample).tokens.length) {
      samples.push(draw(corpus, random));
    }
    return samples;
  };
  const validation = validationSamples(draw, heldOut);
  const logPath = join(run, 'log.jsonl');
  const log = await openRunLog(logPath, position.step, position.watch?.rewinds);
  let random = resumeRandom(position.random);
  let samples = drawStep(random, position.step);
  let saved = performance.now();
  let unsaved: string | undefined;
  const save = async () => {
    try {
      await saveState(run, trainer, shapes, position, remedy?.every);
      unsaved = undefined;
    } catch (error) {
      unsaved = `The checkpoint of step ${position.step} could not be written: ${(error as Error).message}`;
    }
    saved = performance.now();
  };
  let unlogged: string | undefined;
  const note = (entry: LogEntry) => {
    try {
      log.append(entry);
      unlogged = undefined;
    } catch (error) {
      unlogged = `${logPath} could not be written: ${(error as Error).message}`;
    }
  };

  try {
    if (remedy && !found) await save();
    while (position.step < steps && !options.signal?.aborted) {
      const started = performance.now();
      const { rows, counted } = countRows(samples);
      const rate = learningRate(schedule, position.step);
      const shrink = shrinkAt(recipe.embeddingShrink, position.step);
      const lossScale = execution.precision === 'float16' ? (position.lossScale ?? FIRST_LOSS_SCALE) : undefined;
      const scale = lossScale?.scale ?? 1;
      trainer.zeroGradients();
      let sum = 0;
      const next = { samples: undefined as InfillingSample[] | undefined, state: random.state() };
      for (const micro of microBatches(samples, recipe.microTokens)) {
        const pass = trainer.forwardBackward(toBatch(micro), scale / counted, shrink.embedding, shrink.head);
        // The next step's samples are drawn while the addon computes.
        next.samples ??= drawStep(random, position.step + 1);
        sum += (await pass).sum;
      }
      const norms = groupNorms(config, trainer.gradientNorms(), scale);
      const loss = sum / counted;
      const watch = position.watch ?? NO_SPIKES;
      const rewinds = watch.rewinds > 0 ? { rewinds: watch.rewinds } : {};
      const computed = {
        step: position.step,
        loss,
        learningRate: rate,
        gradientNorms: roundedNorms(norms),
        ...rewinds,
        ...(lossScale ? { lossScale: scale } : {}),
      };
      // In float16 a gradient that overflows asks for another scale, not for other data.
      const overflowed = lossScale !== undefined && !Number.isFinite(wholeNorm(norms));
      if (remedy && !overflowed && isSpike(remedy, watch, loss, wholeNorm(norms))) {
        const spiked = position;
        position = await rewind(run, trainer, shapes, remedy, spiked);
        // The data from the checkpoint to here, and some batches more, are never seen again.
        random = resumeRandom(next.state);
        let skipped = rows;
        for (let batch = 1; batch <= remedy.skip; batch++) {
          skipped += countRows(drawStep(random, spiked.step + batch)).rows;
        }
        position.random = random.state();
        position.watch = { ...NO_SPIKES, ...position.watch, skipped: (position.watch?.skipped ?? 0) + skipped };
        samples = drawStep(random, position.step);
        const gradientNorm = wholeNorm(norms);
        const tokensPerSecond = (rows * 1000) / (performance.now() - started);
        const entry = { ...computed, tokens: spiked.tokens + rows, gradientNorm, tokensPerSecond };
        note({ ...entry, rewoundTo: position.step });
        // A run that is killed from here on goes on from there; one killed before it meets the spike again.
        try {
          await savePosition(run, position);
        } catch (error) {
          unsaved = `The position of step ${position.step} could not be written: ${(error as Error).message}`;
        }
        options.onProgress?.({
          ...entry,
          steps,
          heldOut: undefined,
          secondsLeft: ((steps - position.step) * (performance.now() - started)) / 1000,
          warning: `The loss of step ${spiked.step} rose to ${loss.toFixed(3)}: back to step ${position.step}, ${position.watch.skipped} tokens skipped so far.`,
        });
        continue;
      }
      const gradientNorm = await trainer.update({ ...recipe.optimizer, learningRate: rate, lossScale: scale });
      if (!overflowed && (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))) {
        throw new Error(
          `The loss of step ${position.step} is not finite. Lower the learning rate and resume from ${run}.`,
        );
      }
      samples = next.samples as InfillingSample[];
      const before: RunPosition = position;
      position = {
        ...before,
        step: before.step + 1,
        tokens: before.tokens + rows,
        counted: before.counted + counted,
        random: next.state,
        ...(remedy ? { watch: overflowed ? watch : watchLoss(remedy, watch, loss) } : {}),
        ...(lossScale ? { lossScale: nextLossScale(lossScale, overflowed) } : {}),
      };
      const measured =
        position.step % VALIDATION_EVERY === 0 || position.step === steps
          ? await validate(trainer, validation, recipe.microTokens)
          : undefined;
      const seconds = (performance.now() - started) / 1000;
      const entry: LogEntry = {
        ...computed,
        tokens: position.tokens,
        gradientNorm,
        tokensPerSecond: rows / seconds,
        ...(overflowed ? { overflowed } : {}),
        ...(measured === undefined ? {} : { heldOut: measured }),
      };
      note(entry);
      const due = performance.now() - saved > options.saveEvery * 1000;
      if (due || (remedy && isRewindPoint(remedy.every, position.step))) await save();
      options.onProgress?.({
        ...entry,
        step: position.step,
        steps,
        heldOut: measured,
        secondsLeft: (steps - position.step) * seconds,
        ...(unsaved || unlogged ? { warning: [unsaved, unlogged].filter(Boolean).join(' ') } : {}),
      });
    }
  } finally {
    log.close();
  }
  await save();
  if (unsaved) throw new Error(unsaved);
  await exportModel(trainer, config, join(run, 'model'), options.tokenizerFolder, {
    recipe: recipe.name,
    seed: String(seed),
    tokens: String(position.tokens),
    ...(position.from ? { from: position.from } : {}),
    [TOKENIZER_HASH]: options.tokenizerSha256,
  });
  trainer.dispose();
  return position;
}

/** What a model says of its own training, for the card of one that was grown from it. */
function origin({ config, metadata }: ModelFolder): string {
  const { recipe = 'unnamed', seed = 'unknown', tokens = 'unknown' } = metadata;
  return `${recipe}, ${config.layers} layers, seed ${seed}, ${tokens} tokens`;
}

function validationSamples(draw: (source: PackedCorpus, random: Random) => InfillingSample, heldOut: PackedCorpus) {
  const random = createRandom(1);
  return Array.from({ length: VALIDATION_SAMPLES }, () => draw(heldOut, random));
}

async function validate(trainer: NativeTrainer, samples: InfillingSample[], microTokens: number): Promise<number> {
  let sum = 0;
  let count = 0;
  for (const micro of microBatches(samples, microTokens)) {
    const loss = await trainer.evaluate(toBatch(micro));
    sum += loss.sum;
    count += loss.count;
  }
  return sum / count;
}
