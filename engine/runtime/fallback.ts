/**
 * A runtime that outlives its device: when one fails, the next of a list takes over, sessions included, because each
 * remembers the rows that it was fed and feeds them again. The user is told once for each device that is given up.
 */

import { DeviceFailure, MemoryFailure } from './device-failure.ts';
import { checkCapacity, checkRewind } from './misuse.ts';
import type { Runtime, Session, Step, TokenRows } from './runtime.ts';

export interface Candidate {
  /** As the user knows it, e.g. `onnx-webgpu`. */
  name: string;
  open(): Promise<Runtime>;
}

/**
 * `tell` gets one sentence for the user. `smallerReads`: how often a device that has no memory for a Part A is kept, and
 * the read rejects with `MemoryFailure`, so that the caller can ask for less; default never. Rejects with the last
 * candidate's error when none can be opened.
 */
export async function openWithFallback(
  candidates: readonly Candidate[],
  tell: (message: string) => void,
  smallerReads = 0,
): Promise<Runtime> {
  let at = 0;
  let refused = 0;
  let runtime = await openFrom(0, []);
  /** Settles when a runtime works again. */
  let working: Promise<Runtime> = Promise.resolve(runtime);
  let disposed = false;

  /** The first candidate from `index` on that opens. */
  async function openFrom(index: number, failures: readonly string[]): Promise<Runtime> {
    const { name, open } = candidates[index] as Candidate;
    try {
      const opened = await open();
      at = index;
      if (failures.length > 0) tell(`${failures.join('; ')}. The model runs on ${opened.device} instead.`);
      return opened;
    } catch (error) {
      if (index + 1 === candidates.length) throw error;
      return openFrom(index + 1, [...failures, `${name} cannot be used: ${sentence(error)}`]);
    }
  }

  /** Gives up a runtime that failed, unless another call has done so already. */
  function giveUp(failed: Runtime, error: DeviceFailure): void {
    if (failed !== runtime || at + 1 === candidates.length) throw error;
    const failure = `${(candidates[at] as Candidate).name} failed: ${sentence(error)}`;
    failed.dispose();
    working = openFrom(at + 1, [failure]).then((opened) => {
      runtime = opened;
      if (disposed) opened.dispose();
      return opened;
    });
    working.catch(() => undefined);
  }

  /** Runs `work` on the runtime that works, again on the next one where a device fails. `reads`: it reads a Part A. */
  async function lasting<R>(
    signal: AbortSignal | undefined,
    work: (owner: Runtime) => Promise<R>,
    reads = false,
  ): Promise<R> {
    for (;;) {
      signal?.throwIfAborted();
      const owner = await working;
      try {
        return await work(owner);
      } catch (error) {
        if (!(error instanceof DeviceFailure)) throw error;
        if (owner !== runtime) continue;
        const smaller = reads && error instanceof MemoryFailure && at + 1 < candidates.length;
        if (smaller && refused++ < smallerReads) throw error;
        giveUp(owner, error);
      }
    }
  }

  const durables = new WeakMap<Session, Durable>();
  const known = (durable: Durable): Session => {
    durables.set(durable.session, durable);
    return durable.session;
  };

  return {
    config: runtime.config,
    get device() {
      return runtime.device;
    },
    open(capacity) {
      if (disposed) throw new Error('The model has been disposed.');
      checkCapacity(runtime.config, capacity);
      return known(durable({ capacity, lasting, known }));
    },
    async extendTogether(steps, signal) {
      const own = steps.map(({ session }) => {
        const found = durables.get(session);
        if (!found) throw new Error('Only sessions of this runtime can be extended together.');
        return found;
      });
      const all = await lasting(signal, async (owner) => {
        const there: Step[] = [];
        for (const [index, step] of steps.entries())
          there.push({ ...step, session: await (own[index] as Durable).on(owner, signal) });
        return owner.extendTogether(there, signal);
      });
      for (const [index, { rows }] of steps.entries()) own[index]?.note(rows);
      return all;
    },
    dispose() {
      disposed = true;
      runtime.dispose();
    },
  };
}

interface Circumstances {
  capacity: number;
  lasting<R>(signal: AbortSignal | undefined, work: (owner: Runtime) => Promise<R>, reads?: boolean): Promise<R>;
  /** The session of what `durable` gives, which the runtime then knows. */
  known(durable: Durable): Session;
}

/** A session with what the runtime needs to extend it beside others. */
interface Durable {
  session: Session;
  /** Its session on that runtime, built up again if need be. */
  on(owner: Runtime, signal: AbortSignal | undefined): Promise<Session>;
  /** Remembers Part B tokens that were fed. */
  note(rows: TokenRows): void;
}

/** What a session was fed: Part A in one piece, then Part B in pieces. */
interface Fed {
  partA: TokenRows | undefined;
  partB: readonly TokenRows[];
}

function durable(
  around: Circumstances,
  fed: Fed = { partA: undefined, partB: [] },
  begun?: { owner: Runtime; session: Session },
): Durable {
  let { partA, partB } = fed;
  let inner = begun;
  let disposed = false;

  const lengthOf = (rows: TokenRows | undefined) => rows?.tokens.length ?? 0;
  const length = () => lengthOf(partA) + partB.reduce((sum, rows) => sum + lengthOf(rows), 0);

  async function on(owner: Runtime, signal: AbortSignal | undefined): Promise<Session> {
    if (disposed) throw new Error('The session has been disposed.');
    if (inner?.owner !== owner) {
      const session = owner.open(around.capacity);
      try {
        await feedAgain(session, signal);
      } catch (error) {
        session.dispose();
        throw error;
      }
      inner = { owner, session };
    }
    return inner.session;
  }

  const lasting = <R>(
    signal: AbortSignal | undefined,
    work: (session: Session) => Promise<R>,
    reads = false,
  ): Promise<R> => around.lasting(signal, async (owner) => work(await on(owner, signal)), reads);

  async function feedAgain(session: Session, signal: AbortSignal | undefined): Promise<void> {
    if (partA) await session.read(partA, signal);
    for (const rows of partB) await session.extend(rows, signal ? { signal } : {});
  }

  const note = (rows: TokenRows) => {
    partB = [...partB, rows];
  };

  const session: Session = {
    get length() {
      return disposed ? 0 : length();
    },
    async read(rows, signal) {
      await lasting(signal, (session) => session.read(rows, signal), true);
      partA = rows;
    },
    async extend(rows, options = {}) {
      const logits = await lasting(options.signal, (session) => session.extend(rows, options));
      note(rows);
      return logits;
    },
    rewind(to) {
      if (inner) inner.session.rewind(to);
      else checkRewind(to, 0, 0);
      ({ partA, partB } = cut({ partA, partB }, to));
    },
    fork() {
      const copy = inner && { owner: inner.owner, session: inner.session.fork() };
      return around.known(durable(around, { partA, partB }, copy));
    },
    dispose() {
      disposed = true;
      inner?.session.dispose();
    },
  };
  return { session, on, note };
}

/** The first `length` rows of what was fed. */
function cut({ partA, partB }: Fed, length: number): Fed {
  let left = length;
  const first = (rows: TokenRows): TokenRows => {
    const count = Math.min(left, rows.tokens.length);
    left -= count;
    return {
      tokens: rows.tokens.slice(0, count),
      positions: rows.positions.slice(0, count),
      blockPositions: rows.blockPositions.slice(0, count),
    };
  };
  const kept = (rows: TokenRows) => rows.tokens.length > 0;
  const ownA = partA && first(partA);
  return { partA: ownA && kept(ownA) ? ownA : undefined, partB: partB.map(first).filter(kept) };
}

function sentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/[.\s]+$/, '');
}
