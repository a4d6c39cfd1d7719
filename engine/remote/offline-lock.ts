/**
 * The offline lock: while it is on, this process opens no connection, not even to its own machine. connection.ts is the
 * one place of the engine that opens any, and asks here first; what is under way when the lock closes is broken off.
 */
import { RemoteFailure } from './failure.ts';

/** Fires when the lock closes; undefined while it is closed. */
let open: AbortController | undefined = new AbortController();

export function lockOffline(on: boolean): void {
  if (!on) {
    open ??= new AbortController();
    return;
  }
  open?.abort(
    new RemoteFailure('Cloze went offline (cloze.offline was set to true), so the connection was broken off.'),
  );
  open = undefined;
}

/** Fires when the lock closes. Throws while it is closed; `origin` is where the connection would have gone. */
export function onlineSignal(origin: string): AbortSignal {
  if (open) return open.signal;
  throw new RemoteFailure(
    `Cloze is offline, so nothing was sent to ${origin}. To allow it, set cloze.offline to false in the user settings.`,
  );
}
