/** What a model makes of the tasks of the project and of the guard. */
import { type Answered, evaluate } from '../evaluation/evaluate.ts';
import type { Task } from '../evaluation/task.ts';
import { loadModel } from '../load-model.ts';

export interface TuningTasks {
  project: readonly Task[];
  guard: readonly Task[];
}

export interface TuningAnswers {
  /** As the product fills, with the document cache. */
  project: Answered[];
  guard: Answered[];
  /** Those of the project once more, by the network alone. */
  alone: Answered[];
}

/** Calls of `onTask` for both sets of tasks, and those of the project once more. */
export function answerCount({ project, guard }: TuningTasks): number {
  return 2 * project.length + guard.length;
}

const CONTEXT_TOKENS = 800;

/** Fills the blanks with the model in `folder`; throws as loading does, and when `signal` fires. */
export async function answersOf(
  folder: string,
  tasks: TuningTasks,
  execution: { level: string; threads: number },
  onTask: () => void,
  signal?: AbortSignal,
): Promise<TuningAnswers> {
  const model = await loadModel(folder, execution);
  const options = { contextTokens: CONTEXT_TOKENS, onProgress: onTask, ...(signal ? { signal } : {}) };
  const answer = async (own: readonly Task[], documentCache = model.documentCache === true) =>
    (await evaluate({ ...model, documentCache }, own, [], options)).answered;
  try {
    return {
      project: await answer(tasks.project),
      guard: await answer(tasks.guard),
      alone: await answer(tasks.project, false),
    };
  } finally {
    model.runtime.dispose();
  }
}
