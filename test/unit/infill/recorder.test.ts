import { expect, it } from 'vitest';
import { recordSessions } from '../../../engine/infill/recorder.ts';
import type { Runtime, Session, TokenRows } from '../../../engine/runtime/runtime.ts';
import { toy } from './toy.ts';

const rows = (...tokens: number[]): TokenRows => ({
  tokens: Int32Array.from(tokens),
  positions: Int32Array.from(tokens, (_, index) => index),
  blockPositions: new Int32Array(tokens.length),
});

/** A session that lets everything be forgotten, as those of causal models do. */
function forgetful(): Runtime {
  const { runtime } = toy();
  const session = (length: number): Session => ({
    get length() {
      return length;
    },
    async read({ tokens }) {
      length = tokens.length;
    },
    async extend({ tokens }, { signal } = {}) {
      signal?.throwIfAborted();
      length += tokens.length;
      return new Float32Array(runtime.config.vocabSize);
    },
    rewind(to) {
      length = to;
    },
    fork: () => session(length),
    dispose: () => undefined,
  });
  return { ...runtime, open: () => session(0) };
}

const held = (recorder: ReturnType<typeof recordSessions>) => {
  const { partA, partB } = recorder.latest() ?? { partA: rows(), partB: [] };
  return [[...partA.tokens], partB.map(({ token }) => token)];
};

it('remembers what a session holds, through rewinding, forks and calls that failed', async () => {
  const recorder = recordSessions(forgetful());
  recorder.begin(0);
  const session = recorder.runtime.open(20);
  await session.read(rows(1, 2, 3));
  expect(recorder.latest()).toBeUndefined();
  await session.extend(rows(4, 5, 6));
  expect(held(recorder)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const fork = session.fork();
  session.rewind(4);
  await session.extend(rows(7));
  expect(held(recorder)).toEqual([
    [1, 2, 3],
    [4, 7],
  ]);
  await expect(session.extend(rows(9), { signal: AbortSignal.abort() })).rejects.toThrow();
  expect(held(recorder)).toEqual([
    [1, 2, 3],
    [4, 7],
  ]);
  // What is tried beside is not what is shown.
  await recorder.runtime.extendTogether([{ session: fork, rows: rows(8) }]);
  expect(held(recorder)).toEqual([
    [1, 2, 3],
    [4, 7],
  ]);
  await recorder.runtime.extendTogether([
    { session, rows: rows(10, 11) },
    { session: fork, rows: rows(12) },
  ]);
  expect(held(recorder)).toEqual([
    [1, 2, 3],
    [4, 7, 10, 11],
  ]);
  session.rewind(2);
  await session.extend(rows(6));
  expect(held(recorder)).toEqual([[1, 2], [6]]);
});

it('tells in which turn each row was computed', async () => {
  const recorder = recordSessions(forgetful());
  const session = recorder.runtime.open(20);
  const first = recorder.begin(2);
  await session.read(rows(1));
  await session.extend(rows(2));
  const second = recorder.begin(0);
  await session.extend(rows(3));
  const record = recorder.latest();
  expect(record?.readTurn).toBe(first);
  expect(record?.partB.map(({ turn, next }) => [turn, next?.length])).toEqual([
    [first, 2],
    [second, undefined],
  ]);
});

it('says whether rows together are exact, as the runtime that it records does', () => {
  expect(recordSessions({ ...forgetful(), exact: true }).runtime.exact).toBe(true);
  expect(recordSessions(forgetful()).runtime.exact).toBe(false);
});
