/** The requests about installed models: checks what another process sent, and says in words what went wrong. */
import {
  type CancellationToken,
  type Connection,
  ErrorCodes,
  LSPErrorCodes,
  ResponseError,
} from 'vscode-languageserver';
import { messageOf } from '../error-message.ts';
import type { Log } from '../log.ts';
import {
  ADD_MODEL_METHOD,
  DOWNLOAD_MODEL_METHOD,
  DOWNLOADING_METHOD,
  type DownloadProgress,
  EDITOR_TASKS,
  type EditorTask,
  MODELS_METHOD,
  type ModelsResult,
  type NamedModel,
  REMOVE_MODEL_METHOD,
  USE_MODEL_METHOD,
} from './messages.ts';
import type { Shelf } from './shelf.ts';

/** Milliseconds between two notes of a download's progress. */
const PROGRESS_EVERY = 200;

export interface ModelsParts {
  shelf: Shelf;
  log: Log;
  /** Settles when the settings are known. */
  configured(): Promise<void>;
  list(): Promise<ModelsResult>;
  /** What was chosen is no longer what it was. */
  changed(): Promise<void>;
  /** Another address of the hub, or empty. */
  mirror(): string;
}

type Answer = (params: Record<string, unknown>, signal: AbortSignal) => Promise<object | null>;

export function serveModels(connection: Connection, parts: ModelsParts): void {
  const { shelf, log, configured, list, changed, mirror } = parts;

  function serve(method: string, answer: Answer): void {
    connection.onRequest(method, async (params: unknown, token: CancellationToken) => {
      // A request without parameters brings its token in their place.
      const given = isToken(params) ? {} : Object(params);
      const stop = new AbortController();
      const cancel = isToken(params) ? params : token;
      if (cancel.isCancellationRequested) stop.abort();
      cancel.onCancellationRequested(() => stop.abort());
      await configured();
      try {
        return await answer(given as Record<string, unknown>, stop.signal);
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        if (stop.signal.aborted) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled');
        const message = messageOf(error);
        log.error(message);
        throw new ResponseError(LSPErrorCodes.RequestFailed, message);
      }
    });
  }

  serve(MODELS_METHOD, list);
  serve(ADD_MODEL_METHOD, async (params): Promise<NamedModel> => {
    const { name } = await shelf.add(text(params, 'folder'), optional(params, 'name'));
    return { name };
  });
  serve(REMOVE_MODEL_METHOD, async (params) => {
    await shelf.remove(text(params, 'name'));
    await changed();
    return null;
  });
  serve(USE_MODEL_METHOD, async (params) => {
    await shelf.use(text(params, 'name'), tasksOf(params));
    await changed();
    return null;
  });
  serve(DOWNLOAD_MODEL_METHOD, async (params, signal): Promise<NamedModel> => {
    const id = text(params, 'id');
    const url = text(params, 'url');
    const [own, hub] = [optional(params, 'name'), mirror()];
    let told = 0;
    const onProgress = (done: number, all: number, file: string): void => {
      const now = performance.now();
      if (signal.aborted || (done < all && now - told < PROGRESS_EVERY)) return;
      told = now;
      const progress: DownloadProgress = { id, file, done, all };
      void connection.sendNotification(DOWNLOADING_METHOD, progress);
    };
    const options = { url, ...(own === undefined ? {} : { name: own }), ...(hub === '' ? {} : { mirror: hub }) };
    const { name, folder } = await shelf.download(options, onProgress, signal);
    log.info(`Model ${name} was downloaded from ${url} to ${folder}.`);
    return { name };
  });
}

function isToken(value: unknown): value is CancellationToken {
  return typeof (value as CancellationToken | undefined)?.onCancellationRequested === 'function';
}

function text(params: Record<string, unknown>, key: string): string {
  const value = params[key];
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  throw new ResponseError(ErrorCodes.InvalidParams, `The request needs "${key}", a text.`);
}

function optional(params: Record<string, unknown>, key: string): string | undefined {
  return params[key] === undefined ? undefined : text(params, key);
}

function tasksOf({ tasks }: Record<string, unknown>): EditorTask[] {
  const known: readonly unknown[] = EDITOR_TASKS;
  if (Array.isArray(tasks) && tasks.length > 0 && tasks.every((task) => known.includes(task))) return tasks;
  throw new ResponseError(ErrorCodes.InvalidParams, `"tasks" must be some of ${EDITOR_TASKS.join(', ')}.`);
}
