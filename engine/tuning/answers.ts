/** What a model makes of the tasks of the project and of the guard. */
import { type Answered, evaluate } from '../evaluation/evaluate.ts';
import type { Task } from '../evaluation/task.ts';
import type { TunedMemory } from '../infill/project-memory.ts';
import { loadModel } from '../load-model.ts';

export interface TuningTasks {
  project: readonly Task[];
  guard: readonly Task[];
}

/** As the product fills; bits are those of what it fills by, texts that are asked beside the model mixed in. */
export interface TuningAnswers {
  project: Answered[];
  guard: Answered[];
}

/** Tokens of Part A, as in the editor. */
export const CONTEXT_TOKENS = 800;

/**
 * Fills the blanks with the model in `folder` and the memory. `onTask` is called before each. Throws as loading does,
 * and when `signal` fires.
 */
export async function answersOf(
  { folder, memory }: { folder: string; memory: TunedMemory | undefined },
  tasks: TuningTasks,
  execution: { level: string; threads: number },
  onTask: () => void,
  signal?: AbortSignal,
): Promise<TuningAnswers> {
  const model = { ...(await loadModel(folder, execution)), ...(memory ? { memory } : {}) };
  const options = {
    contextTokens: CONTEXT_TOKENS,
    mixedBits: true,
    onProgress: onTask,
    ...(signal ? { signal } : {}),
  };
  const answer = async (own: readonly Task[]) => (await evaluate(model, own, [], options)).answered;
  try {
    return { project: await answer(tasks.project), guard: await answer(tasks.guard) };
  } finally {
    model.runtime.dispose();
  }
}
