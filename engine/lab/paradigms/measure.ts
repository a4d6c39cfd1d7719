/** One trained model through everything that the lab asks. */
import type { Documents } from '../../evaluation/documents.ts';
import { editSimilarity, isExactMatch } from '../../evaluation/metrics.ts';
import { createClozeLearner } from '../../finetuning/cloze-learner.ts';
import { corpusTasks, drawExamples } from '../../finetuning/corpus-tasks/draw-examples.ts';
import type { Example, PatternVerbalizer } from '../../finetuning/example.ts';
import { fineTune } from '../../finetuning/fine-tune.ts';
import { createHeadLearner } from '../../finetuning/head-learner.ts';
import { isRight } from '../../finetuning/metrics.ts';
import { openTrunk } from '../../finetuning/trunk.ts';
import type { ModelFolder } from '../../model/load.ts';
import type { ExecutionOptions, NativeTrainer } from '../../native.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { microBatches, toBatch } from '../../training/batch.ts';
import { blankKinds, type ContinuedText, type HeldOut, type LabBlankKind } from './held-out.ts';
import { type LabParadigm, labTokens } from './paradigm.ts';
import type { MeasuringPlan } from './plan.ts';
import { writeBlanks } from './write-blanks.ts';

/** A classification head, or the same question as a blank. */
export const understandingMethods = ['head', 'cloze'] as const;
export type UnderstandingMethod = (typeof understandingMethods)[number];

/** Changes with what is measured: kept figures of another number are measured again. */
export const MEASURED_AS = 2;

export interface MeasuredModel {
  /** `told`: edit similarity where every model is told the length, so that finding the end is no part of it. */
  blanks: { kind: LabBlankKind; exact: number; similarity: number; told: number }[];
  /** Bits per byte; null where the paradigm does not write from left to right. */
  texts: number | null;
  descriptions: number | null;
  /** Accuracy by method; null where the model cannot be asked in this way. */
  understanding: ({ task: string } & Record<UnderstandingMethod, number | null>)[];
}

export interface MeasureOptions {
  paradigm: LabParadigm;
  model: ModelFolder;
  tokenizer: Tokenizer;
  heldOut: HeldOut;
  documents: { training: Documents; heldOut: Documents };
  plan: MeasuringPlan;
  seed: number;
  execution: ExecutionOptions;
  signal?: AbortSignal | undefined;
}

const MICRO_ROWS = 4096;
const RATE = 5e-4;
const BATCH = 16;
const LONGEST_EXAMPLE = 160;

export async function measureModel(options: MeasureOptions): Promise<MeasuredModel> {
  const { paradigm, model, tokenizer, heldOut, execution, signal } = options;
  const { trainer } = await openTrunk(model, execution);
  const writer = { trainer, paradigm, tokenizer, vocabSize: model.config.vocabSize, signal };
  const blanks: MeasuredModel['blanks'] = [];
  for (const kind of blankKinds) {
    const own = heldOut.blanks.filter((blank) => blank.kind === kind);
    const missing = own.map((blank) => tokenizer.decode(blank.missing));
    const similarity = (texts: readonly string[]) =>
      mean(texts.map((text, index) => editSimilarity(text, missing[index] as string)));
    const written = await writeBlanks(writer, own);
    const told =
      paradigm.blankEnd === 'told'
        ? written
        : await writeBlanks({ ...writer, paradigm: { ...paradigm, blankEnd: 'told' } }, own);
    blanks.push({
      kind,
      exact: mean(written.map((text, index) => Number(isExactMatch(text, missing[index] as string)))),
      similarity: similarity(written),
      told: similarity(told),
    });
  }
  const texts = await bitsPerByte(options, trainer, heldOut.texts);
  const descriptions = await bitsPerByte(options, trainer, heldOut.descriptions);
  const understanding: MeasuredModel['understanding'] = [];
  for (const task of options.plan.tasks) {
    signal?.throwIfAborted();
    understanding.push({
      task,
      head: await accuracyAfter(options, task, 'head'),
      cloze: await accuracyAfter(options, task, 'cloze'),
    });
  }
  return { blanks, texts, descriptions, understanding };
}

/** Bits of all texts by bytes of all texts. */
async function bitsPerByte(
  { paradigm, tokenizer, signal }: MeasureOptions,
  trainer: NativeTrainer,
  texts: readonly ContinuedText[],
): Promise<number | null> {
  const { continuation } = paradigm;
  if (!continuation) return null;
  const tokens = labTokens(tokenizer);
  const samples = texts.map(({ context, text }) => continuation(context, text, tokens));
  let nats = 0;
  for (const batch of microBatches(samples, MICRO_ROWS)) {
    signal?.throwIfAborted();
    nats += (await trainer.evaluate(toBatch(batch))).sum;
  }
  const bytes = texts.reduce((sum, { text }) => sum + tokenizer.decodeBytes(text).length, 0);
  return nats / Math.LN2 / bytes;
}

/** After fine-tuning of the whole model: with a head on the mean of its states, or as a blank that it fills. */
async function accuracyAfter(
  options: MeasureOptions,
  name: string,
  method: UnderstandingMethod,
): Promise<number | null> {
  const { paradigm, model, tokenizer, documents, plan, seed, execution, signal } = options;
  const own = corpusTasks.find(({ task }) => task.name === name);
  const names = corpusTasks.map(({ task }) => task.name).join(', ');
  if (!own) throw new Error(`There is no task "${name}"; there are ${names}.`);
  const { task } = own;
  const pattern = task.patterns.find((one) => isAnswerable(paradigm, one));
  if (method === 'cloze' && !pattern) return null;
  const examples = drawExamples(own, documents, { train: plan.examples, dev: plan.dev, test: plan.test }, seed);
  const trunk = await openTrunk(model, execution);
  const shared = { tokenizer, task, maxTokens: Math.min(LONGEST_EXAMPLE, model.config.maxLength) };
  const tokens = labTokens(tokenizer);
  const learner =
    method === 'cloze' && pattern
      ? createClozeLearner(trunk, {
          ...shared,
          pattern,
          ask({ tokens: text, blank = text.length }) {
            return paradigm.next(
              { before: text.slice(0, blank), after: text.slice(blank), written: [], length: 1 },
              tokens,
            );
          },
        })
      : createHeadLearner(trunk, { ...shared, pooling: 'mean', seed });
  await fineTune(learner, {
    train: examples.train,
    dev: examples.dev,
    score: (answers) => answers.filter((answer, index) => isRight(examples.dev[index] as Example, answer)).length,
    epochs: plan.epochs,
    batch: BATCH,
    rate: RATE,
    patience: plan.epochs,
    seed,
    ...(signal ? { signal } : {}),
  });
  const answers = await learner.answer(examples.test, signal);
  return mean(answers.map((answer, index) => Number(isRight(examples.test[index] as Example, answer))));
}

/**
 * Labels with a verbalizer each, to be written by any of the paradigms: no field, and no header, which not all of them were
 * pretrained with; who sees the left side of a blank alone needs all fields there.
 */
function isAnswerable({ blankEnd }: LabParadigm, { text, verbalizers, written }: PatternVerbalizer): boolean {
  if (!verbalizers || written !== undefined || text.join('').includes('{#')) return false;
  return blankEnd !== 'line-break' || !/\{mask\}.*\{\w/s.test(text.join(''));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
