/** The last requests for a completion, each with its timings and what decided it: the answer to "why no suggestion?". */
import { type AnsweredRequest, type Decision, MOST_REQUESTS } from '../protocol.ts';

/** What is noted while a request is on its way. */
export type Notes = Pick<AnsweredRequest, 'detail' | 'cached' | 'prepared' | 'fill'>;

export interface Journal {
  /** Opens an entry; what it returns closes it. */
  open(
    request: Pick<AnsweredRequest, 'path' | 'line' | 'character' | 'invoked'>,
  ): (decided: Decision, notes: Notes) => void;
  /** Newest first. */
  entries(): AnsweredRequest[];
}

export function createJournal(): Journal {
  const entries: AnsweredRequest[] = [];
  return {
    open(request) {
      const time = Date.now();
      const started = performance.now();
      return (decided, notes) => {
        entries.unshift({ time, ...request, decided, total: performance.now() - started, ...notes });
        entries.length = Math.min(entries.length, MOST_REQUESTS);
      };
    },
    entries: () => [...entries],
  };
}
