/** Sessions of the onnx runtime extended in one step, held against native ones that are extended alone. */
import { expect } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import type { Runtime, Session, TokenRows } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { randomSample } from '../native/tiny.ts';

const SEP = 61;
const LENGTH = 130;

const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), a.length === b.length ? 0 : Infinity);

/**
 * Four forks of one text and one of another, a few rows of each at a time, until the forks have no room beside each
 * other; one is rewound on the way, one disposed of.
 */
export async function expectTogether(runtime: Runtime, native: Runtime): Promise<void> {
  const { config } = runtime;
  const read = randomSample(config, createRandom(4), LENGTH, SEP);
  const other = randomSample(config, createRandom(5), LENGTH, SEP);
  const begun = async (of: Runtime, rows: TokenRows) => {
    const session = of.open(LENGTH);
    await session.read(sliceRows(rows, 0, SEP));
    return session;
  };
  const pair = async (rows: TokenRows): Promise<[Session, Session]> => [
    await begun(runtime, rows),
    await begun(native, rows),
  ];
  const [own, alone] = await pair(read);
  const forks = [1, 2, 3].map((): [Session, Session] => [own.fork(), alone.fork()]);
  let sessions: [Session, Session][] = [[own, alone], ...forks, await pair(other)];
  const drawn = sessions.map((_, index) => randomSample(config, createRandom(20 + index), LENGTH, SEP));
  for (let round = 0, at = SEP; at < LENGTH; round++) {
    const to = Math.min(LENGTH, at + 1 + (round % 9));
    const last = round % 2 === 0 ? ('last' as const) : ('all' as const);
    const steps = sessions.map((_, index) => sliceRows(drawn[index] as TokenRows, at, to));
    const found = await runtime.extendTogether(
      sessions.map(([session], index) => ({ session, rows: steps[index] as TokenRows, logits: last })),
    );
    for (const [index, [session, reference]] of sessions.entries()) {
      const wanted = await reference.extend(steps[index] as TokenRows, { logits: last });
      expect(farthest(found[index] as Float32Array, wanted), `session ${index}, rows ${at} to ${to}`).toBeLessThan(
        1e-4,
      );
      expect(session.length).toBe(to);
    }
    at = to;
    if (round === 4) {
      // All of them go back a little, so that places between others are free.
      at -= 2;
      for (const each of sessions.flat()) each.rewind(at);
    }
    if (round === 6) {
      for (const each of sessions[1] as [Session, Session]) each.dispose();
      sessions = sessions.filter((_, index) => index !== 1);
    }
  }
  for (const each of sessions.flat()) each.dispose();
}
