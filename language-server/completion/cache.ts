/**
 * Completions given before, in memory only. An entry answers again where it was made, and wherever the user has since
 * typed a part of it: then what is on the screen stays, and the model is not called. Keyed by all that the model could
 * see; of the source text itself nothing is kept but a hash.
 */
import { createHash } from 'node:crypto';
import type { Place } from './place.ts';

export interface Completion {
  /** Empty where it is known that there is none. */
  text: string;
  /** That all of it is right, by the model's own account. */
  probability: number;
  /** The model would have gone on; such an entry answers no one who wants the whole. */
  cut: boolean;
  /** Made before anybody asked. */
  prepared: boolean;
}

export interface KnownCompletion extends Completion {
  /** Characters of it that the user has typed since. */
  typed: number;
}

export interface CompletionCache {
  /** A known completion with what is left of its text; `undefined` if nothing is known. */
  find(place: Place, surroundings: string, wanted?: { whole: boolean }): KnownCompletion | undefined;
  store(place: Place, surroundings: string, completion: Completion): void;
  clear(): void;
}

interface Entry extends Completion {
  uri: string;
  /** Length of the text before the cursor. */
  length: number;
  hash: string;
}

/** Brackets and quotes that editors insert and that users type over: their coming and going changes no completion. */
const AUTO_CLOSED = /^[)\]}>"'`]{1,8}/;

/** `reach`: how many characters on either side of the cursor the model can see. */
export function createCompletionCache(capacity: number, reach: () => number): CompletionCache {
  /** Oldest first. */
  let entries: Entry[] = [];

  function hashAt(place: Place, surroundings: string, typed: number): string {
    const size = reach();
    const end = place.before.length - typed;
    const after = place.after.replace(AUTO_CLOSED, '').slice(0, size);
    return createHash('sha1')
      .update(JSON.stringify([place.uri, place.languageId, surroundings, after]))
      .update(place.before.slice(Math.max(0, end - size), end))
      .digest('base64');
  }

  return {
    find(place, surroundings, { whole } = { whole: false }) {
      const hashes = new Map<number, string>();
      for (let i = entries.length - 1; i >= 0; i--) {
        const entry = entries[i];
        const typed = entry ? place.before.length - entry.length : -1;
        if (!entry || (whole && entry.cut) || entry.uri !== place.uri || typed < 0 || typed > entry.text.length)
          continue;
        if (!place.before.endsWith(entry.text.slice(0, typed))) continue;
        const rest = entry.text.slice(typed);
        if (typed > 0 && rest.trim() === '') continue;
        const hash = hashes.get(typed) ?? hashAt(place, surroundings, typed);
        hashes.set(typed, hash);
        if (hash !== entry.hash) continue;
        entries.splice(i, 1);
        entries.push(entry);
        const { probability, cut, prepared } = entry;
        return { text: rest, probability, cut, prepared, typed };
      }
      return undefined;
    },
    store(place, surroundings, completion) {
      const hash = hashAt(place, surroundings, 0);
      entries = entries.filter((entry) => entry.hash !== hash);
      entries.push({ uri: place.uri, length: place.before.length, hash, ...completion });
      if (entries.length > capacity) entries.shift();
    },
    clear() {
      entries = [];
    },
  };
}
