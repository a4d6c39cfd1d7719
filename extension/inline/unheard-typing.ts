/**
 * Typing that no completion was asked for. The part of an editor that asks is made in the window's first idle moment, up to
 * five seconds after the editor itself, and while no server runs there is nobody to be asked: whoever types until then
 * and stops would wait for a suggestion that never comes. So the editor is told to ask once
 * - where it has not asked since it was opened, when nothing is typed for a moment;
 * - for what was typed while no server ran, when one does; and for what a server was asked about that ended instead.
 */

/** What was typed last: the version of the document that it made, and the column of editors it was typed in. */
export interface Typing {
  uri: string;
  version: number;
  column: number;
}

export interface UnheardTyping {
  typed(typing: Typing): void;
  /** An editor asks for a completion at a version of a document that it shows in these columns. */
  asked(uri: string, version: number, columns: readonly number[]): void;
  /** A server had an answer for that version, be it nothing. */
  answered(uri: string, version: number): void;
  /** Columns of editors that are left: an editor that is opened later in another is a new one. */
  columns(open: readonly number[]): void;
  /** Whether there is a server to be asked. */
  served(served: boolean): void;
  dispose(): void;
}

/** Longer than an editor waits between a key and its request. */
const MOMENT = 500;

/** `ask` makes the editor ask; it decides whether what was typed is still what the user looks at. */
export function createUnheardTyping(ask: (typing: Typing) => void): UnheardTyping {
  /** Columns whose editor was seen to ask this server, or was told to. */
  const asking = new Set<number>();
  let unheard: Typing | undefined;
  /** Asked for, and not answered yet. */
  let pending: Typing | undefined;
  let served = false;
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    if (!unheard || !served) return;
    asking.add(unheard.column);
    pending = unheard;
    unheard = undefined;
    ask(pending);
  }

  function tellSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(tell, MOMENT);
  }

  return {
    typed(typing) {
      unheard = typing;
      pending = undefined;
      clearTimeout(timer);
      if (!asking.has(typing.column)) tellSoon();
    },
    asked(uri, version, columns) {
      // Where no server runs, nobody heard it.
      if (!served) return;
      for (const column of columns) asking.add(column);
      if (!isOf(unheard, uri, version)) return;
      pending = unheard;
      unheard = undefined;
    },
    answered(uri, version) {
      if (isOf(pending, uri, version)) pending = undefined;
      if (isOf(unheard, uri, version)) unheard = undefined;
    },
    columns(open) {
      for (const column of asking) if (!open.includes(column)) asking.delete(column);
    },
    served(now) {
      if (now && !served) tellSoon();
      if (!now) {
        unheard ??= pending;
        pending = undefined;
        // They learn of the next server a moment later than it runs.
        asking.clear();
      }
      served = now;
    },
    dispose: () => clearTimeout(timer),
  };
}

function isOf(typing: Typing | undefined, uri: string, version: number): boolean {
  return typing?.uri === uri && typing.version <= version;
}
