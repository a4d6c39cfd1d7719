/**
 * Holds one loaded model and lets one call at a time reach it. The newest call wins: whatever is running or waiting when
 * it comes is aborted. Loading takes its turn in the same queue, so a call made early waits for the model, and a model
 * that cannot be loaded costs completions but never the document service.
 */
import type { Fill, FillOptions, Passage } from '../engine/infill/fill.ts';
import type { Log } from './log.ts';
import type { StatusParams } from './protocol.ts';

/** What the server needs of a loaded model. `fill` rejects with `AbortError` soon after its signal fires. */
export interface Engine {
  readonly name: string;
  readonly device: string;
  fill(passage: Passage, options: FillOptions, call: { signal: AbortSignal }): Promise<Fill>;
  dispose(): void | Promise<void>;
}

export interface ModelChoice {
  modelFolder: string;
  threads: number;
}

/** Rejects with an error whose message says what was wrong, where, and what to do. */
export type LoadEngine = (choice: ModelChoice) => Promise<Engine>;

export interface EngineHost {
  /** Begins to load a model in the background, unless it is the one in use and works; `undefined` unloads. */
  use(choice: ModelChoice | undefined): void;
  /** Loads the model in use once more. */
  reload(): void;
  /** `undefined` when there is no model, the call was overtaken or aborted, or the model failed (which is logged). */
  fill(passage: Passage, options: FillOptions, signal: AbortSignal): Promise<Fill | undefined>;
  /** Aborts the running call and frees the model; does not wait for a model that is still being loaded. */
  dispose(): Promise<void>;
}

export function createEngineHost(load: LoadEngine, notify: (status: StatusParams) => void, log: Log): EngineHost {
  let choice: ModelChoice | undefined;
  let engine: Engine | undefined;
  let newest: AbortController | undefined;
  let loading = false;
  let failed = false;
  let disposed = false;
  let lastLatency: number | undefined;
  /** Settles when everything asked for so far is done; never rejects. */
  let queue: Promise<unknown> = Promise.resolve();

  function enqueue<T>(task: () => Promise<T>): Promise<T> {
    const turn = queue.then(task);
    queue = turn.catch(() => undefined);
    return turn;
  }

  function report(state: StatusParams['state'], message?: string): void {
    if (disposed) return;
    notify({
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
      log.error(`The model could not be unloaded: ${message(error)}`);
    }
  }

  async function loadChosen(wanted: ModelChoice): Promise<void> {
    await unload();
    if (disposed || wanted !== choice) return;
    loading = true;
    report('loading');
    const start = performance.now();
    try {
      const loaded = await load(wanted);
      engine = loaded;
      log.info(`Model ${loaded.name} loaded on ${loaded.device} in ${Math.round(performance.now() - start)} ms.`);
    } catch (error) {
      if (wanted !== choice) return;
      failed = true;
      log.error(`The model could not be loaded: ${message(error)}`);
      report('failed', message(error));
    } finally {
      loading = false;
    }
    if (disposed) await unload();
    else if (engine && wanted === choice) report('ready');
  }

  function start(next: ModelChoice | undefined): void {
    choice = next;
    failed = false;
    newest?.abort();
    void enqueue(async () => {
      if (next) return loadChosen(next);
      await unload();
      report('disabled');
    });
  }

  async function call(passage: Passage, options: FillOptions, signal: AbortSignal): Promise<Fill | undefined> {
    if (signal.aborted || !engine) return undefined;
    const start = performance.now();
    report('busy');
    try {
      const fill = await engine.fill(passage, options, { signal });
      lastLatency = performance.now() - start;
      return fill;
    } catch (error) {
      if (!signal.aborted) log.error(`The model failed to complete in ${passage.path}: ${message(error)}`);
      return undefined;
    } finally {
      report('ready');
    }
  }

  return {
    use(next) {
      const same = next?.modelFolder === choice?.modelFolder && next?.threads === choice?.threads;
      if (next === undefined || failed || !same) start(next);
    },
    reload() {
      if (choice) start({ ...choice });
    },
    fill(passage, options, signal) {
      newest?.abort();
      const overtaken = new AbortController();
      newest = overtaken;
      const either = AbortSignal.any([signal, overtaken.signal]);
      const aborted = new Promise<undefined>((resolve) => {
        if (either.aborted) resolve(undefined);
        either.addEventListener('abort', () => resolve(undefined), { once: true });
      });
      return Promise.race([enqueue(() => call(passage, options, either)), aborted]);
    },
    async dispose() {
      disposed = true;
      choice = undefined;
      newest?.abort();
      if (loading) return;
      await enqueue(unload);
    },
  };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
