/** Sessions extended in turn, for runtimes without a step that several share. */
import type { Step } from './runtime.ts';

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
