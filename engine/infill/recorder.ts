/**
 * A runtime whose sessions remember the rows they were fed, so that a trace shows what was computed and nothing else.
 * Rows are noted always, at the price of a few numbers a token; what else was probable only in turns that ask for it.
 */
import type { Runtime, Session, Step, TokenRows } from '../runtime/runtime.ts';
import { type Candidate, mostProbable } from './sampling.ts';

export interface RecordedRow {
  token: number;
  position: number;
  blockPosition: number;
  /** The turn in which its keys and values were computed. */
  turn: number;
  /** The most probable tokens after it, best first; absent where nobody asked. */
  next?: Candidate[];
}

/** What one session holds. */
export interface SessionRecord {
  partA: TokenRows;
  /** The turn in which the reading of Part A began. */
  readTurn: number;
  partB: RecordedRow[];
}

interface Recorded {
  session: Session;
  held: SessionRecord;
  /** Made to try something else than what is shown. */
  isFork: boolean;
}

export interface Recorder {
  /** The runtime to use in place of the one that is recorded. */
  readonly runtime: Runtime;
  /** Begins a turn and returns its number. `candidates`: how many of the most probable tokens to note for each row. */
  begin(candidates: number): number;
  /** A copy of what the session that was extended last holds, forks apart; undefined before the first. */
  latest(): SessionRecord | undefined;
}

export function recordSessions(runtime: Runtime): Recorder {
  let turn = 0;
  let candidates = 0;
  let latest: SessionRecord | undefined;
  const recorded = new WeakMap<Session, Recorded>();

  function note(rows: TokenRows, logits: Float32Array): RecordedRow[] {
    const count = rows.tokens.length;
    const width = runtime.config.vocabSize;
    /** Rows whose logits came back: all, or the last. */
    const known = logits.length / width;
    return Array.from(rows.tokens, (token, index) => {
      const row: RecordedRow = {
        token,
        position: rows.positions[index] as number,
        blockPosition: rows.blockPositions[index] as number,
        turn,
      };
      const at = index - (count - known);
      if (candidates > 0 && at >= 0) row.next = mostProbable(logits.subarray(at * width, (at + 1) * width), candidates);
      return row;
    });
  }

  function record(session: Session, held: SessionRecord, isFork = false): Session {
    const outer: Session = {
      get length() {
        return session.length;
      },
      async read(partA, signal) {
        held.readTurn = turn;
        await session.read(partA, signal);
        held.partA = partA;
      },
      async extend(rows, options) {
        const logits = await session.extend(rows, options);
        append({ held, isFork }, rows, logits);
        return logits;
      },
      rewind(length) {
        session.rewind(length);
        const { tokens, positions, blockPositions } = held.partA;
        // A causal model may forget the end of Part A as well.
        const kept = Math.min(length, tokens.length);
        if (kept < tokens.length) {
          held.partA = {
            tokens: tokens.subarray(0, kept),
            positions: positions.subarray(0, kept),
            blockPositions: blockPositions.subarray(0, kept),
          };
        }
        held.partB.length = length - kept;
      },
      fork: () => record(session.fork(), { ...held, partB: [...held.partB] }, true),
      dispose: () => session.dispose(),
    };
    recorded.set(outer, { session, held, isFork });
    return outer;
  }

  function append({ held, isFork }: Omit<Recorded, 'session'>, rows: TokenRows, logits: Float32Array): void {
    held.partB.push(...note(rows, logits));
    if (!isFork) latest = held;
  }

  async function extendTogether(steps: readonly Step[], signal?: AbortSignal): Promise<Float32Array[]> {
    const own = steps.map(({ session }) => {
      const found = recorded.get(session);
      if (!found) throw new Error('Only sessions of this runtime can be extended together.');
      return found;
    });
    const all = await runtime.extendTogether(
      steps.map((step, index) => ({ ...step, session: own[index]?.session as Session })),
      signal,
    );
    for (const [index, { rows }] of steps.entries()) append(own[index] as Recorded, rows, all[index] as Float32Array);
    return all;
  }

  return {
    runtime: {
      config: runtime.config,
      get device() {
        return runtime.device;
      },
      get exact() {
        return runtime.exact ?? false;
      },
      open: (capacity) => record(runtime.open(capacity), { partA: NOTHING_READ, readTurn: turn, partB: [] }),
      extendTogether,
      dispose: () => runtime.dispose(),
    },
    begin(wanted) {
      candidates = wanted;
      return ++turn;
    },
    latest: () => latest && { ...latest, partB: [...latest.partB] },
  };
}

const NOTHING_READ: TokenRows = {
  tokens: new Int32Array(),
  positions: new Int32Array(),
  blockPositions: new Int32Array(),
};
