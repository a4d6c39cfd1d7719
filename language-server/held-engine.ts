/**
 * Holds one model: loads it, frees it when nobody asks for it for a while, loads it again at the next call, and says what
 * state it is in. Loading takes its turn in the queue of the calls, so a call made early waits for the model, and a model
 * that cannot be loaded costs completions but never the document service.
 */
import type { Engine, LoadEngine, ModelChoice } from './engine.ts';
import { messageOf } from './error-message.ts';
import type { Log } from './log.ts';
import type { StatusParams } from './protocol.ts';
import { createTurns, type Turns } from './turns.ts';

export interface HeldEngine {
  /** What is chosen; undefined when the model is unloaded for good. */
  choice(): ModelChoice | undefined;
  /** Why the chosen model could not be loaded. */
  failure(): string | undefined;
  /** What is loaded now. */
  loaded(): Engine | undefined;
  /** Takes its turn in the queue. */
  enqueue: Turns['take'];
  /** Begins to load in the background, or only lets go of what was loaded before; the model then comes at the first call. */
  choose(next: ModelChoice | undefined, when: 'now' | 'later'): void;
  /** Frees the model when nothing was asked of it for this many milliseconds, unless `kept` then says otherwise; 0 keeps it. */
  unloadAfter(milliseconds: number): void;
  /** In its turn: the model, loaded again where it was freed; undefined where there is none. */
  awake(): Promise<Engine | undefined>;
  /** In its turn: runs a call of the model, and says that it is busy and how long it took. */
  busy<R>(task: () => Promise<R>): Promise<R>;
  /** Frees the model; does not wait for one that is still being loaded. */
  dispose(): Promise<void>;
}

export interface HeldListener {
  status(status: StatusParams): void;
  /** Something that the user should see, once. */
  warning(message: string): void;
}

export function holdEngine(load: LoadEngine, told: HeldListener, kept: () => boolean, log: Log): HeldEngine {
  let choice: ModelChoice | undefined;
  let engine: Engine | undefined;
  let loading = false;
  let failure: string | undefined;
  let disposed = false;
  let lastLatency: number | undefined;
  const { take: enqueue, restAfter: unloadAfter } = createTurns(async () => {
    if (!engine || kept()) return;
    log.info(`Model ${engine.name} is freed until it is needed again.`);
    await unload();
    report('asleep');
  });

  function report(state: StatusParams['state'], message?: string): void {
    if (disposed) return;
    told.status({
      state,
      model: engine?.name ?? '',
      device: engine?.device ?? '',
      ...(message === undefined ? {} : { message }),
      ...(lastLatency === undefined ? {} : { lastLatency }),
    });
  }

  async function unload(): Promise<void> {
    const old = engine;
    engine = undefined;
    lastLatency = undefined;
    try {
      await old?.dispose();
    } catch (error) {
      log.error(`The model could not be unloaded: ${messageOf(error)}`);
    }
  }

  async function loadChosen(wanted: ModelChoice): Promise<void> {
    await unload();
    if (disposed || wanted !== choice) return;
    loading = true;
    report('loading');
    const start = performance.now();
    try {
      const loaded = await load(wanted, (warning) => {
        log.error(warning);
        told.warning(warning);
      });
      engine = loaded;
      log.info(`Model ${loaded.name} loaded on ${loaded.device} in ${Math.round(performance.now() - start)} ms.`);
    } catch (error) {
      if (wanted !== choice) return;
      failure = messageOf(error);
      log.error(`The model could not be loaded: ${failure}`);
      report('failed', failure);
    } finally {
      loading = false;
    }
    if (disposed) await unload();
    else if (engine && wanted === choice) report('ready');
  }

  return {
    choice: () => choice,
    failure: () => failure,
    loaded: () => engine,
    enqueue,
    choose(next, when) {
      choice = next;
      failure = undefined;
      void enqueue(async () => {
        if (next && when === 'now') return loadChosen(next);
        await unload();
        if (!next) report('disabled');
      });
    },
    unloadAfter,
    async awake() {
      if (!engine && choice && failure === undefined) await loadChosen(choice);
      return engine;
    },
    async busy(task) {
      const start = performance.now();
      report('busy');
      try {
        const result = await task();
        lastLatency = performance.now() - start;
        return result;
      } finally {
        report('ready');
      }
    },
    async dispose() {
      disposed = true;
      choice = undefined;
      if (loading) return;
      await enqueue(unload);
    },
  };
}
