/**
 * What each session of a worker holds: which rows lie at which places of which cache. A session and its forks share one,
 * so that what they are extended by at a time is one step, and Part A lies there once.
 */
import type { GlmConfig } from '../../model/config.ts';
import type { GraphForm } from '../../onnx/glm-graph.ts';
import { type Cache, createCache } from './cache.ts';
import type { StepPart } from './messages.ts';
import { createPlaces, type Places, SPARE_PLACES } from './places.ts';

export interface Shared {
  cache: Cache;
  places: Places;
  sessions: number;
}

interface Held {
  shared: Shared;
  /** Of its rows, in their order. */
  rows: number[];
}

/** A part of a step with the places of all rows that its session holds, the new ones last. */
export interface Placed {
  part: StepPart;
  shared: Shared;
  rows: readonly number[];
  fresh: readonly number[];
}

export interface Sessions {
  /** Finds places for the new rows of a session, which is made at its first step. */
  place(part: StepPart): Placed;
  /** The new rows are there. */
  keep(placed: Placed): void;
  /** They are not: their places are free again. */
  drop(placed: Placed): void;
  fork(from: number, copy: number): void;
  close(session: number): void;
  closeAll(): void;
}

export function createSessions(config: GlmConfig, form: GraphForm): Sessions {
  const sessions = new Map<number, Held>();

  function opened(session: number, capacity: number): Held {
    const found = sessions.get(session);
    if (found) return found;
    const size = form.cache === 'resident' ? capacity + SPARE_PLACES : capacity;
    const shared = { cache: createCache(config, form, size), places: createPlaces(size), sessions: 1 };
    const held = { shared, rows: [] };
    sessions.set(session, held);
    return held;
  }

  function leave({ shared, rows }: Held): void {
    shared.places.release(rows);
    shared.sessions--;
    if (shared.sessions === 0) shared.cache.dispose();
  }

  /** Where all places are taken: more of them, or a cache of its own in which those of the others are free. */
  function makeRoom(held: Held, wanted: number): void {
    const { cache, places } = held.shared;
    const more = Math.max(SPARE_PLACES, wanted);
    if (cache.grow(more)) {
      places.grow(more);
      return;
    }
    const own = { cache: cache.fork(), places: createPlaces(places.count), sessions: 1 };
    own.places.hold(held.rows);
    leave(held);
    held.shared = own;
  }

  return {
    place(part) {
      const held = opened(part.session, part.capacity);
      // A session that was rewound, or whose last step nobody waited for, holds less than lies here.
      held.shared.places.release(held.rows.splice(part.held));
      const count = part.rows.tokens.length;
      let fresh = held.shared.places.take(count);
      if (!fresh) {
        makeRoom(held, count);
        fresh = held.shared.places.take(count);
      }
      if (!fresh) throw new Error(`A session of ${part.capacity} tokens has no room for ${count} more.`);
      return { part, shared: held.shared, rows: [...held.rows, ...fresh], fresh };
    },
    keep({ part, fresh }) {
      sessions.get(part.session)?.rows.push(...fresh);
    },
    drop({ shared, fresh }) {
      shared.places.release(fresh);
    },
    fork(from, copy) {
      const held = sessions.get(from);
      if (!held) return;
      const { shared, rows } = held;
      shared.places.hold(rows);
      shared.sessions++;
      sessions.set(copy, { shared, rows: [...rows] });
    },
    close(session) {
      const held = sessions.get(session);
      if (held) leave(held);
      sessions.delete(session);
    },
    closeAll() {
      for (const held of sessions.values()) leave(held);
      sessions.clear();
    },
  };
}
