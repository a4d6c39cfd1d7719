/** Which rows lie at which places of which cache: forks share one for as long as there is room. */
import { expect, it } from 'vitest';
import { createSessions, type Sessions } from '../../../engine/runtime/onnx/held.ts';
import { createPlaces, SPARE_PLACES } from '../../../engine/runtime/onnx/places.ts';
import { SMALLEST } from '../native/tiny.ts';

const CAPACITY = 20;
const part = (session: number, held: number, count: number) => ({
  session,
  capacity: CAPACITY,
  rows: { tokens: new Int32Array(count), positions: new Int32Array(count), blockPositions: new Int32Array(count) },
  held,
  sep: 0,
  logitRows: Int32Array.of(count - 1),
});
function extend(sessions: Sessions, session: number, held: number, count: number) {
  const placed = sessions.place(part(session, held, count));
  sessions.keep(placed);
  return placed;
}

it.each(['rows', 'resident'] as const)('forks of a session lie in its cache (%s)', (cache) => {
  const sessions = createSessions(SMALLEST, { precision: 'float32', cache });
  const read = extend(sessions, 0, 0, 10);
  sessions.fork(0, 1);
  sessions.fork(0, 2);
  const [first, second] = [extend(sessions, 1, 10, 4), extend(sessions, 2, 10, 4)];
  expect(first.shared).toBe(read.shared);
  expect(second.shared).toBe(read.shared);
  expect(first.rows.slice(0, 10)).toEqual(read.rows);
  expect(new Set([...read.rows, ...first.fresh, ...second.fresh]).size).toBe(18);
  // What was rewound over is free again.
  expect(extend(sessions, 1, 12, 2).fresh).toEqual(first.fresh.slice(2));
  sessions.close(2);
  expect(extend(sessions, 0, 10, 4).fresh).toEqual(second.fresh);
  // Another session has a cache of its own.
  expect(extend(sessions, 3, 0, 3).shared).not.toBe(read.shared);
});

it('where all places are taken the cache grows, or on a device, which cannot, one leaves it', () => {
  const count = CAPACITY + SPARE_PLACES - 10;
  const [rows, resident] = (['rows', 'resident'] as const).map((cache) => {
    const sessions = createSessions(SMALLEST, { precision: 'float32', cache });
    const read = extend(sessions, 0, 0, 10);
    for (let fork = 1; fork <= count / 10 + 1; fork++) {
      sessions.fork(0, fork);
      const { shared, rows: all } = extend(sessions, fork, 10, 10);
      expect(all.slice(0, 10)).toEqual(read.rows);
      expect(new Set(all).size).toBe(20);
      if (shared !== read.shared) return fork;
    }
    return undefined;
  });
  expect(rows).toBeUndefined();
  expect(resident).toBe(Math.floor(count / 10) + 1);
});

it('rows that were not computed leave their places', () => {
  const sessions = createSessions(SMALLEST, { precision: 'float32', cache: 'rows' });
  extend(sessions, 0, 0, 10);
  const failed = sessions.place(part(0, 10, 5));
  sessions.drop(failed);
  expect(extend(sessions, 0, 10, 5).fresh).toEqual(failed.fresh);
});

it('places that several hold are free when the last lets go', () => {
  const places = createPlaces(3);
  const taken = places.take(2) as number[];
  places.hold(taken);
  expect(places.take(2)).toBeUndefined();
  places.release(taken);
  expect(places.take(2)).toBeUndefined();
  places.grow(1);
  expect(places.take(2)).toEqual([2, 3]);
  places.release(taken);
  expect(places.take(2)).toEqual(taken);
});
