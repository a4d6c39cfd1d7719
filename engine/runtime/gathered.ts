/**
 * A runtime that gathers calls: what several sessions ask at the same time becomes one step that they share. Sequences
 * join and leave from one step to the next, and whoever extends a session need not know of the others. Part A is read one
 * at a time, between two steps, so that a reading holds the sequences under way up only once.
 */
import type { Runtime, Session, Step, TokenRows } from './runtime.ts';

/** Steps that wait to be taken together, and settle together. */
interface Waiting {
  steps: readonly Step[];
  signal: AbortSignal | undefined;
  resolve(logits: Float32Array[]): void;
  reject(reason: unknown): void;
}

/**
 * Its sessions behave as those of `runtime`, but that a call which is aborted while others share its step rejects at the
 * end of the step; where nobody waits for a step any more, it ends within one layer's time. What one session gets does
 * not depend on the others: a step that fails is taken again one by one, so that an error comes to whom it belongs.
 */
export function gatherCalls(runtime: Runtime): Runtime {
  const inners = new WeakMap<Session, Session>();
  let waiting: Waiting[] = [];
  const readings: (() => Promise<void>)[] = [];
  let working = false;

  function wake(): void {
    if (working) return;
    working = true;
    void work();
  }

  async function work(): Promise<void> {
    let hasRead = false;
    for (;;) {
      // All sequences that the last step answered have chosen their next tokens before this.
      await new Promise(setImmediate);
      const reading: (() => Promise<void>) | undefined = hasRead && waiting.length > 0 ? undefined : readings.shift();
      hasRead = reading !== undefined;
      if (reading) await reading();
      else if (waiting.length > 0) await take(waiting.splice(0));
      else break;
    }
    working = false;
  }

  async function take(members: readonly Waiting[]): Promise<void> {
    const unwanted = new AbortController();
    let wanted = members.length;
    const leave = () => {
      wanted--;
      if (wanted === 0) unwanted.abort();
    };
    for (const { signal } of members) signal?.addEventListener('abort', leave, { once: true });
    try {
      const all = await extend(
        members.flatMap(({ steps }) => steps),
        unwanted.signal,
      );
      let at = 0;
      for (const { steps, signal, resolve, reject } of members) {
        const own = all.slice(at, at + steps.length);
        at += steps.length;
        if (!signal?.aborted) {
          resolve(own);
          continue;
        }
        // One that was disposed of meanwhile holds nothing.
        for (const { session, rows } of steps)
          if (session.length > 0) session.rewind(session.length - rows.tokens.length);
        reject(signal.reason);
      }
    } catch (error) {
      if (members.length > 1 && wanted > 0) {
        for (const member of members) {
          if (member.signal?.aborted) member.reject(member.signal.reason);
          else await take([member]);
        }
      } else {
        for (const { signal, reject } of members) reject(signal?.aborted ? signal.reason : error);
      }
    } finally {
      for (const { signal } of members) signal?.removeEventListener('abort', leave);
    }
  }

  async function extend(steps: readonly Step[], signal: AbortSignal): Promise<Float32Array[]> {
    const [first, ...others] = steps;
    if (!first || others.length > 0) return runtime.extendTogether(steps, signal);
    const { session, rows, logits = 'last' } = first;
    return [await session.extend(rows, { logits, signal })];
  }

  function join(steps: readonly Step[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = () => {
        // One that is under way is answered by `take`.
        if (!waiting.includes(entry)) return;
        waiting = waiting.filter((each) => each !== entry);
        reject(signal?.reason);
      };
      const settled = () => signal?.removeEventListener('abort', leave);
      const entry: Waiting = {
        steps,
        signal,
        resolve(logits) {
          settled();
          resolve(logits);
        },
        reject(reason) {
          settled();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      waiting.push(entry);
      wake();
    });
  }

  function read(session: Session, partA: TokenRows, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      readings.push(() => session.read(partA, signal).then(resolve, reject));
      wake();
    });
  }

  function gathered(session: Session): Session {
    const outer: Session = {
      get length() {
        return session.length;
      },
      read: (partA, signal) => read(session, partA, signal),
      async extend(rows, { logits = 'last', signal } = {}) {
        const [own] = await join([{ session, rows, logits }], signal);
        return own as Float32Array;
      },
      rewind: (length) => session.rewind(length),
      fork: () => gathered(session.fork()),
      dispose: () => session.dispose(),
    };
    inners.set(outer, session);
    return outer;
  }

  return {
    config: runtime.config,
    get device() {
      return runtime.device;
    },
    get exact() {
      return runtime.exact ?? false;
    },
    open: (capacity) => gathered(runtime.open(capacity)),
    async extendTogether(steps, signal) {
      const own = steps.map((step) => {
        const session = inners.get(step.session);
        if (!session) throw new Error('Only sessions of this runtime can be extended together.');
        return { ...step, session };
      });
      return own.length === 0 ? [] : join(own, signal);
    },
    dispose: () => runtime.dispose(),
  };
}
