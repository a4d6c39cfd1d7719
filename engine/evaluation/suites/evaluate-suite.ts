/** Asks the model the tasks of a suite and runs what it gave, beside two controls: the true span, and nothing at all. */
import type { Model } from '../../infill/fill.ts';
import type { Outcome } from '../execution/run-python.ts';
import { editSimilarity, isExactMatch } from '../metrics.ts';
import { answerTask, type ModelAnswer } from '../model-predictor.ts';
import type { SuiteTask } from './suite.ts';

export interface SuiteMarks {
  text: string;
  isExact: boolean;
  similarity: number;
  /** Undefined where nothing was run. */
  outcome: Outcome | undefined;
}

export const suitePredictors = ['model', 'nothing', 'what stood there'] as const;

export type SuitePredictor = (typeof suitePredictors)[number];

export interface SuiteAnswered extends Omit<ModelAnswer, 'text'> {
  task: SuiteTask;
  marks: Record<SuitePredictor, SuiteMarks>;
  /** UTF-8 bytes of the expected span. */
  bytes: number;
}

export interface EvaluateSuiteOptions {
  contextTokens: number;
  /** Runs a program; left out, spans are compared as text only. */
  run?: (program: string) => Promise<Outcome>;
  onProgress?: (done: number, all: number, task: SuiteTask) => void;
  signal?: AbortSignal;
}

export async function evaluateSuite(
  model: Model,
  tasks: readonly SuiteTask[],
  { contextTokens, run, onProgress, signal }: EvaluateSuiteOptions,
): Promise<SuiteAnswered[]> {
  const answered: SuiteAnswered[] = [];
  for (const [index, task] of tasks.entries()) {
    onProgress?.(index, tasks.length, task);
    const { text, ...answer } = await answerTask(model, task, {
      contextTokens,
      mayRunOn: true,
      ...(signal ? { signal } : {}),
    });
    const outcomes = new Map<string, Outcome>();
    const marked = async (span: string): Promise<SuiteMarks> => {
      const known = outcomes.get(span);
      const outcome = known ?? (task.program && run ? await run(task.program(span)) : undefined);
      if (outcome) outcomes.set(span, outcome);
      return {
        text: span,
        isExact: isExactMatch(span, task.expected),
        similarity: editSimilarity(span, task.expected),
        outcome,
      };
    };
    answered.push({
      task,
      marks: {
        model: await marked(text),
        nothing: await marked(''),
        'what stood there': await marked(task.expected),
      },
      bytes: Buffer.byteLength(task.expected),
      ...answer,
    });
  }
  return answered;
}
