/** Asks the model and the baselines the same tasks, and keeps every answer with its marks. */
import type { FinishReason, Model } from '../infill/fill.ts';
import type { Baseline } from './baseline.ts';
import { editSimilarity, isExactMatch } from './metrics.ts';
import { answerTask, type ModelAnswer } from './model-predictor.ts';
import type { Task } from './task.ts';

export interface Marks {
  text: string;
  isExact: boolean;
  similarity: number;
}

export interface Answered {
  task: Task;
  /** By predictor; a baseline that cannot answer this kind is missing. The model is `model`. */
  marks: Record<string, Marks>;
  /** By control. */
  controls: Record<string, Pick<ModelAnswer, 'finish' | 'bits'>>;
  finish: FinishReason;
  /** For these three see `ModelAnswer`. */
  confidence: number;
  probability: number;
  bits: number | undefined;
  /** UTF-8 bytes of the expected span. */
  bytes: number;
  timings: { tokenize: number; read: number; extend: number };
}

export const modelName = 'model';

/** Another model, which is asked the same tasks. */
export interface Control {
  name: string;
  /** One sentence for the report. */
  about: string;
  model: Model;
}

export interface Evaluation {
  answered: Answered[];
  baselines: readonly Baseline[];
  controls: readonly Omit<Control, 'model'>[];
  /** The rule that was chosen in the baseline's favour, by kind and baseline. */
  rules: Record<string, Record<string, string>>;
}

export interface EvaluateOptions {
  contextTokens: number;
  /** As in `AnswerOptions`. */
  mixedBits?: boolean;
  onProgress?: (done: number, all: number, task: Task) => void;
  signal?: AbortSignal;
}

export async function evaluate(
  model: Model,
  tasks: readonly Task[],
  baselines: readonly Baseline[],
  { contextTokens, mixedBits = false, onProgress, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const answered: Answered[] = [];
  for (const [index, task] of tasks.entries()) {
    onProgress?.(index, tasks.length, task);
    const { text, ...answer } = await answerTask(model, task, {
      contextTokens,
      mixedBits,
      ...(signal ? { signal } : {}),
    });
    const bytes = Buffer.byteLength(task.expected);
    answered.push({ task, marks: { [modelName]: marked(text, task) }, controls: {}, bytes, ...answer });
  }
  const rules: Evaluation['rules'] = {};
  for (const kind of new Set(tasks.map((task) => task.kind))) {
    const own = answered.filter(({ task }) => task.kind === kind);
    const chosen: Record<string, string> = {};
    for (const baseline of baselines) {
      // Ctrl+C is heard here; a baseline may think for a minute.
      await new Promise(setImmediate);
      signal?.throwIfAborted();
      if (!baseline.kinds.includes(kind)) continue;
      const { rule, marks } = bestRule(
        baseline,
        own.map(({ task }) => task),
      );
      chosen[baseline.name] = rule;
      for (const [index, entry] of own.entries()) entry.marks[baseline.name] = marks[index] as Marks;
    }
    rules[kind] = chosen;
  }
  return { answered, baselines, controls: [], rules };
}

/** The evaluation with the answers of one more model. */
export async function askControl(
  evaluation: Evaluation,
  { name, about, model }: Control,
  { onProgress, ...options }: Omit<EvaluateOptions, 'mixedBits'>,
): Promise<Evaluation> {
  const { answered, controls } = evaluation;
  const both: Answered[] = [];
  for (const [index, entry] of answered.entries()) {
    const { task } = entry;
    onProgress?.(index, answered.length, task);
    const { text, finish, bits } = await answerTask(model, task, options);
    both.push({
      ...entry,
      marks: { ...entry.marks, [name]: marked(text, task) },
      controls: { ...entry.controls, [name]: { finish, bits } },
    });
  }
  return { ...evaluation, answered: both, controls: [...controls, { name, about }] };
}

/** The rule with the most exact matches; among equals the one with the greatest similarity, then the first. */
export function bestRule(baseline: Baseline, tasks: readonly Task[]): { rule: string; marks: Marks[] } {
  const tried = baseline.rules.map(({ name, predict }) => {
    const marks = tasks.map((task) => marked(predict(task), task));
    const exact = marks.filter(({ isExact }) => isExact).length;
    return { rule: name, marks, exact, similarity: marks.reduce((sum, { similarity }) => sum + similarity, 0) };
  });
  const [best] = tried.sort((a, b) => b.exact - a.exact || b.similarity - a.similarity);
  if (!best) throw new Error(`The baseline "${baseline.name}" has no rule.`);
  return best;
}

function marked(text: string, task: Task): Marks {
  return {
    text,
    isExact: isExactMatch(text, task.expected),
    similarity: editSimilarity(text, task.expected),
  };
}
