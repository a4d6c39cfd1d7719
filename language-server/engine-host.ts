/**
 * Holds one loaded model and lets one call at a time reach it. The newest call wins: whatever is running or waiting when
 * it comes is aborted; only what the user asked for is not given up for a completion, which waits for it instead.
 * Loading takes its turn in the same queue, so a call made early waits for the model, and a model that cannot be loaded
 * costs completions but never the document service. A model that nobody asks for a while is freed, and loaded at the next call.
 */
import type { ChatAnswer, ChatMessage, ChatModel, ChatOptions, ChatPiece } from '../engine/chat/chat-model.ts';
import type { BlanksFill, BlanksPassage } from '../engine/infill/blanks.ts';
import type { Fill, FillOptions, Passage } from '../engine/infill/fill.ts';
import type { FillTrace } from '../engine/infill/trace.ts';
import type { Log } from './log.ts';
import type { MeasuredParams, ModelRuntime, StatusParams } from './protocol.ts';
import { createTurns } from './turns.ts';

/** What the server needs of a loaded model. All kinds of fill reject with `AbortError` soon after their signal fires. */
export interface Engine {
  readonly name: string;
  readonly device: string;
  fill(passage: Passage, options: FillOptions, call: { signal: AbortSignal }): Promise<Fill>;
  /** The greedy span and the most probable others, `count` in all at most, one at least. */
  fillCandidates(passage: Passage, count: number, options: FillOptions, call: { signal: AbortSignal }): Promise<Fill[]>;
  fillBlanks(passage: BlanksPassage, options: FillOptions, signal: AbortSignal): Promise<BlanksFill>;
  /** What was computed for the last fill. */
  trace(): FillTrace | undefined;
  /** Of a model that was trained to converse. */
  readonly chat?: ChatModel & { contextTokens: number };
  dispose(): void | Promise<void>;
}

/** Other probable tokens noted at each step while somebody looks. */
const RIVALS = 5;

export interface ModelChoice {
  modelFolder: string;
  threads: number;
  runtime: ModelRuntime;
}

export function sameChoice(one: ModelChoice | undefined, other: ModelChoice | undefined): boolean {
  return one?.modelFolder === other?.modelFolder && one?.threads === other?.threads && one?.runtime === other?.runtime;
}

/**
 * Rejects with an error whose message says what was wrong, where, and what to do. `tell` gets a sentence for the user
 * when the model runs elsewhere than was asked, also later.
 */
export type LoadEngine = (choice: ModelChoice, tell: (message: string) => void) => Promise<Engine>;

/** A completion's fill, the next candidates, and the milliseconds it waited for its turn; or why there is none. */
export type Completed = { fill: Fill; others: readonly Fill[]; waiting: number } | NoFill;
export interface NoFill {
  fill: undefined;
  /** No model is loaded; a newer call or the signal put an end to this one; the model failed, and `detail` says how. */
  why: 'unloaded' | 'overtaken' | 'failed';
  detail?: string;
}

export interface EngineHost {
  /** Begins to load a model in the background, unless it is the one in use and works; `undefined` unloads. `later`: at the first call. */
  use(choice: ModelChoice | undefined, when?: 'now' | 'later'): void;
  /** Frees the model when nothing was asked of it for this many milliseconds, unless it is watched; 0 keeps it. */
  unloadAfter(milliseconds: number): void;
  /** Loads the model in use once more. */
  reload(): void;
  /** With the most probable others where more than one of `candidates` is asked for. Never rejects: a model that fails is logged. */
  fill(passage: Passage, options: FillOptions, signal: AbortSignal, candidates?: number): Promise<Completed>;
  /**
   * Fills blanks that the user asked for: aborts completions and an earlier fill of this kind. Rejects with `AbortError`
   * when it was aborted or overtaken, else with an error whose message says why there is no fill and what to do.
   */
  fillBlanks(passage: BlanksPassage, options: FillOptions, signal: AbortSignal): Promise<BlanksFill>;
  /** The model in use once it is loaded; undefined when there is none. */
  model(): Promise<Pick<Engine, 'name' | 'device' | 'chat'> | undefined>;
  /** An answer that the user asked for. Ranks, and rejects, as `fillBlanks` does. */
  chat(
    messages: readonly ChatMessage[],
    options: ChatOptions,
    onPiece: (piece: ChatPiece) => void,
    signal: AbortSignal,
  ): Promise<ChatAnswer>;
  /** While watched, fills note the rivals of each token, and `traced` is called after each. */
  watch(on: boolean): void;
  /** What was computed for the last fill of the model in use; undefined before the first. */
  trace(): FillTrace | undefined;
  /** Aborts the running call and frees the model; does not wait for a model that is still being loaded. */
  dispose(): Promise<void>;
}

export interface HostListener {
  status(status: StatusParams): void;
  /** How long each stage of a call took. */
  measured(timings: MeasuredParams): void;
  /** There is a new trace; called only while the host is watched. */
  traced(): void;
  /** Something that the user should see, once. */
  warning(message: string): void;
}

export function createEngineHost(load: LoadEngine, told: HostListener, log: Log): EngineHost {
  let choice: ModelChoice | undefined;
  let engine: Engine | undefined;
  const newest: { completion?: AbortController; asked?: AbortController } = {};
  let loading = false;
  let failure: string | undefined;
  let disposed = false;
  let watched = false;
  let lastLatency: number | undefined;
  const { take: enqueue, restAfter: unloadAfter } = createTurns(async () => {
    if (!engine || watched) return;
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
      const loaded = await load(wanted, (warning) => {
        log.error(warning);
        told.warning(warning);
      });
      engine = loaded;
      log.info(`Model ${loaded.name} loaded on ${loaded.device} in ${Math.round(performance.now() - start)} ms.`);
    } catch (error) {
      if (wanted !== choice) return;
      failure = message(error);
      log.error(`The model could not be loaded: ${failure}`);
      report('failed', failure);
    } finally {
      loading = false;
    }
    if (disposed) await unload();
    else if (engine && wanted === choice) report('ready');
  }

  /** The model, loaded again where it was freed. */
  async function awake(): Promise<Engine | undefined> {
    if (!engine && choice && failure === undefined) await loadChosen(choice);
    return engine;
  }

  function start(next: ModelChoice | undefined, when: 'now' | 'later'): void {
    choice = next;
    failure = undefined;
    abortAll();
    void enqueue(async () => {
      if (next && when === 'now') return loadChosen(next);
      await unload();
      if (!next) report('disabled');
    });
  }

  function abortAll(): void {
    newest.completion?.abort();
    newest.asked?.abort();
  }

  /** The signal of a new call: fires with the caller's, and when a newer call of its kind comes. */
  function overtake(kind: keyof typeof newest, signal: AbortSignal): AbortSignal {
    newest.completion?.abort();
    if (kind === 'asked') newest.asked?.abort();
    const overtaken = new AbortController();
    newest[kind] = overtaken;
    return AbortSignal.any([signal, overtaken.signal]);
  }

  function noted(options: FillOptions): FillOptions {
    return watched ? { ...options, rivals: RIVALS } : options;
  }

  function measured<R extends { timings: MeasuredParams }>(result: R): R {
    told.measured(result.timings);
    return result;
  }

  async function busy<R>(task: () => Promise<R>): Promise<R> {
    const start = performance.now();
    report('busy');
    try {
      const result = await task();
      lastLatency = performance.now() - start;
      if (watched) told.traced();
      return result;
    } finally {
      report('ready');
    }
  }

  /** What a completion's call of the model gave, with the milliseconds it waited for its turn; or why there is nothing. */
  type Called<R> = { result: R; waiting: number } | NoFill;

  /** `asked` is when the call began to wait for its turn. */
  async function complete<R>(
    path: string,
    task: (loaded: Engine) => Promise<R>,
    signal: AbortSignal,
    asked: number,
  ): Promise<Called<R>> {
    if (signal.aborted) return overtaken;
    const loaded = await awake();
    const waiting = performance.now() - asked;
    if (signal.aborted) return overtaken;
    if (!loaded) return { fill: undefined, why: 'unloaded', ...(failure === undefined ? {} : { detail: failure }) };
    try {
      return { result: await busy(() => task(loaded)), waiting };
    } catch (error) {
      if (signal.aborted) return overtaken;
      log.error(`The model failed to complete in ${path}: ${message(error)}`);
      return { fill: undefined, why: 'failed', detail: message(error) };
    }
  }

  /** Calls the model for a completion, unless a newer one comes. */
  function completion<R>(
    path: string,
    task: (loaded: Engine, signal: AbortSignal) => Promise<R>,
    signal: AbortSignal,
  ): Promise<Called<R>> {
    const either = overtake('completion', signal);
    const asked = performance.now();
    const completed = enqueue(() => complete(path, (loaded) => task(loaded, either), either, asked));
    return Promise.race([completed, aborted(either).then(() => overtaken)]);
  }

  async function inUse(): Promise<Engine> {
    const loaded = await awake();
    if (loaded) return loaded;
    throw new Error(
      failure === undefined
        ? 'Cloze is turned off, so no model is loaded. Set cloze.enable to true.'
        : `Cloze has no model: ${failure}`,
    );
  }

  /** Runs what the user asked for, as soon as the model is free. */
  async function asked<R>(
    what: string,
    task: (loaded: Engine, signal: AbortSignal) => Promise<R>,
    signal: AbortSignal,
  ) {
    const either = overtake('asked', signal);
    const turn = enqueue(async () => {
      either.throwIfAborted();
      const loaded = await inUse();
      either.throwIfAborted();
      try {
        return await busy(() => task(loaded, either));
      } catch (error) {
        either.throwIfAborted();
        log.error(`The model failed to ${what}: ${message(error)}`);
        throw error;
      }
    });
    return Promise.race([turn, aborted(either).then(() => Promise.reject(either.reason))]);
  }

  return {
    use(next, when = 'now') {
      if (next === undefined || failure !== undefined || !sameChoice(next, choice)) start(next, when);
    },
    unloadAfter,
    reload() {
      if (choice) start({ ...choice }, 'now');
    },
    async fill(passage, options, signal, candidates = 1) {
      const fills = (loaded: Engine, either: AbortSignal) =>
        candidates > 1
          ? loaded.fillCandidates(passage, candidates, noted(options), { signal: either })
          : loaded.fill(passage, noted(options), { signal: either }).then((fill) => [fill]);
      const task = async (loaded: Engine, either: AbortSignal) => {
        const [fill, ...others] = await fills(loaded, either);
        return { fill: measured(fill as Fill), others };
      };
      const called = await completion(passage.path, task, signal);
      return 'result' in called ? { ...called.result, waiting: called.waiting } : called;
    },
    fillBlanks(passage, options, signal) {
      const fill = (loaded: Engine, either: AbortSignal) =>
        loaded.fillBlanks(passage, noted(options), either).then(measured);
      return asked(`fill blanks in ${passage.path}`, fill, signal);
    },
    model: () => enqueue(awake),
    chat(messages, options, onPiece, signal) {
      const answer = async ({ name, chat }: Engine, either: AbortSignal): Promise<ChatAnswer> => {
        if (chat) return chat.answer(messages, options, onPiece, either);
        throw new Error(
          `${name} fills blanks and was not trained to converse. Choose the folder of a model that was in cloze.model.path, or a server in cloze.chat.server.`,
        );
      };
      return asked('answer', answer, signal);
    },
    watch(on) {
      watched = on;
    },
    trace: () => engine?.trace(),
    async dispose() {
      disposed = true;
      choice = undefined;
      abortAll();
      if (loading) return;
      await enqueue(unload);
    },
  };
}

const overtaken: NoFill = { fill: undefined, why: 'overtaken' };

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
