/** The requests about tuning: checks what another process sent, and says in words what went wrong. */
import { fileURLToPath } from 'node:url';
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
  PAUSE_TUNING_METHOD,
  ROLL_BACK_METHOD,
  TUNE_METHOD,
  TUNING_METHOD,
  type TunedResult,
  type TuningProgress,
} from './messages.ts';
import type { Tuner } from './tuner.ts';

export interface TuningParts {
  tuner: Tuner;
  /** Back to the model before, of the project in a folder; gives the number of what is used now. */
  rollBack(folder: string): Promise<number>;
  log: Log;
  /** Another model is in use for a folder. */
  changed(): Promise<void>;
}

const METHODS: readonly unknown[] = ['adapters', 'full', 'memory'];
const LEAST_TASKS = 3;
const MOST_TASKS = 1000;

export function serveTuning(connection: Connection, { tuner, rollBack, log, changed }: TuningParts): void {
  const failed = (error: unknown, cancelled: boolean): never => {
    if (error instanceof ResponseError) throw error;
    if (cancelled) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled');
    const message = messageOf(error);
    log.error(message);
    throw new ResponseError(LSPErrorCodes.RequestFailed, message);
  };

  connection.onRequest(TUNE_METHOD, async (params: unknown, token: CancellationToken): Promise<TunedResult> => {
    const stop = new AbortController();
    token.onCancellationRequested(() => stop.abort());
    const tell = (progress: TuningProgress) => void connection.sendNotification(TUNING_METHOD, progress);
    try {
      const folder = folderOf(params);
      const args = argsOf(Object(params));
      log.info(`Tuning on ${folder} begins.`);
      const result = await tuner.tune(folder, args, tell, stop.signal);
      log.info(`Tuned model ${result.number} of ${folder} is ${result.used ? 'better and in use' : 'not better'}.`);
      if (result.used) await changed();
      return result;
    } catch (error) {
      return failed(error, stop.signal.aborted);
    }
  });

  connection.onRequest(ROLL_BACK_METHOD, async (params: unknown): Promise<number> => {
    try {
      const number = await rollBack(folderOf(params));
      await changed();
      return number;
    } catch (error) {
      return failed(error, false);
    }
  });

  connection.onNotification(PAUSE_TUNING_METHOD, (params: unknown) => tuner.pause(Object(params).paused === true));
}

function folderOf(params: unknown): string {
  const { folder } = Object(params);
  try {
    return fileURLToPath(String(folder));
  } catch {
    throw new ResponseError(
      ErrorCodes.InvalidParams,
      `"folder" must be the address of a folder on this machine, not ${JSON.stringify(folder)}.`,
    );
  }
}

function argsOf({ method, minutes, tasks }: Record<string, unknown>): string[] {
  if (method !== undefined && !METHODS.includes(method)) {
    throw new ResponseError(ErrorCodes.InvalidParams, `"method" must be one of ${METHODS.join(', ')}.`);
  }
  const counts = typeof tasks === 'number' && Number.isInteger(tasks) && tasks >= LEAST_TASKS && tasks <= MOST_TASKS;
  if (tasks !== undefined && !counts) {
    throw new ResponseError(
      ErrorCodes.InvalidParams,
      `"tasks" must be a whole number from ${LEAST_TASKS} to ${MOST_TASKS}.`,
    );
  }
  if (minutes !== undefined && !(typeof minutes === 'number' && minutes > 0 && minutes < Number.POSITIVE_INFINITY)) {
    throw new ResponseError(ErrorCodes.InvalidParams, '"minutes" must be a number above 0.');
  }
  // One thread leaves the other processors to who types.
  return [
    '--threads=1',
    ...(method === undefined ? [] : [`--method=${method}`]),
    ...(minutes === undefined ? [] : [`--minutes=${minutes}`]),
    ...(tasks === undefined ? [] : [`--tasks=${tasks}`]),
  ];
}
