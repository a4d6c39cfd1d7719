/** Sessions extended in turn: what a step that several share is held against, and what runtimes of tests do. */
import type { Step } from '../../../engine/runtime/runtime.ts';

/** As `Runtime.extendTogether`. */
export async function extendOneByOne(steps: readonly Step[], signal?: AbortSignal): Promise<Float32Array[]> {
  const before = steps.map(({ session }) => session.length);
  const logits: Float32Array[] = [];
  try {
    for (const { session, rows, logits: wanted = 'last' } of steps)
      logits.push(await session.extend(rows, signal ? { logits: wanted, signal } : { logits: wanted }));
    return logits;
  } catch (error) {
    for (const index of logits.keys()) steps[index]?.session.rewind(before[index] as number);
    throw error;
  }
}
