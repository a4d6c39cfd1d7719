/**
 * Lets one call at a time reach the model that it holds. The newest call wins: whatever is running or waiting when it comes
 * is aborted; only what the user asked for is not given up for a completion, which waits for it instead.
 */
import type { ChatAnswer, ChatMessage, ChatOptions, ChatPiece } from '../engine/chat/chat-model.ts';
import type { BlanksFill, BlanksPassage } from '../engine/infill/blanks.ts';
import type { Fill, FillOptions, Passage } from '../engine/infill/fill.ts';
import type { FillTrace } from '../engine/infill/trace.ts';
import { type Engine, type LoadEngine, type ModelChoice, sameChoice } from './engine.ts';
import { messageOf } from './error-message.ts';
import { type HeldListener, holdEngine } from './held-engine.ts';
import type { Log } from './log.ts';
import type { MeasuredParams } from './protocol.ts';

/** Other probable tokens noted at each step while somebody looks. */
const RIVALS = 5;

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

export interface HostListener extends HeldListener {
  /** How long each stage of a call took. */
  measured(timings: MeasuredParams): void;
  /** There is a new trace; called only while the host is watched. */
  traced(): void;
}

export function createEngineHost(load: LoadEngine, told: HostListener, log: Log): EngineHost {
  const newest: { completion?: AbortController; asked?: AbortController } = {};
  let watched = false;
  const held = holdEngine(load, told, () => watched, log);

  function start(next: ModelChoice | undefined, when: 'now' | 'later'): void {
    abortAll();
    held.choose(next, when);
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
    return held.busy(async () => {
      const result = await task();
      if (watched) told.traced();
      return result;
    });
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
    const loaded = await held.awake();
    const waiting = performance.now() - asked;
    if (signal.aborted) return overtaken;
    if (!loaded) {
      const detail = held.failure();
      return { fill: undefined, why: 'unloaded', ...(detail === undefined ? {} : { detail }) };
    }
    try {
      return { result: await busy(() => task(loaded)), waiting };
    } catch (error) {
      if (signal.aborted) return overtaken;
      log.error(`The model failed to complete in ${path}: ${messageOf(error)}`);
      return { fill: undefined, why: 'failed', detail: messageOf(error) };
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
    const completed = held.enqueue(() => complete(path, (loaded) => task(loaded, either), either, asked));
    return Promise.race([completed, aborted(either).then(() => overtaken)]);
  }

  async function inUse(): Promise<Engine> {
    const loaded = await held.awake();
    if (loaded) return loaded;
    const failure = held.failure();
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
    const turn = held.enqueue(async () => {
      either.throwIfAborted();
      const loaded = await inUse();
      either.throwIfAborted();
      try {
        return await busy(() => task(loaded, either));
      } catch (error) {
        either.throwIfAborted();
        log.error(`The model failed to ${what}: ${messageOf(error)}`);
        throw error;
      }
    });
    return Promise.race([turn, aborted(either).then(() => Promise.reject(either.reason))]);
  }

  return {
    use(next, when = 'now') {
      if (next === undefined || held.failure() !== undefined || !sameChoice(next, held.choice())) start(next, when);
    },
    unloadAfter: held.unloadAfter,
    reload() {
      const choice = held.choice();
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
    model: () => held.enqueue(held.awake),
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
    trace: () => held.loaded()?.trace(),
    async dispose() {
      abortAll();
      await held.dispose();
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
