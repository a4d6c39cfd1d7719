/**
 * What becomes of a suggestion, from the changes of its document alone. Knows offsets and text, not the editor: what is
 * accepted whole is told by the command that the editor runs for it, a part that is taken is seen as it arrives.
 */
import type { Outcome } from '../../language-server/protocol.ts';
import { type Counts, KEPT_AFTER } from '../../media/statistics/counts.ts';

export interface Change {
  /** Where the replaced text began, and how long it was. */
  offset: number;
  length: number;
  text: string;
}

export interface Suggestion {
  uri: string;
  /** Where its text goes, in UTF-16 units from the start of the document. */
  offset: number;
  text: string;
  /** What it replaces, as the server gave it. */
  range: { start: Place; end: Place };
}

interface Place {
  line: number;
  character: number;
}

export interface Tracking {
  /** The editor was given a suggestion to show. */
  shown(suggestion: Suggestion): void;
  /** It was taken whole. */
  accepted(suggestion: Suggestion): void;
  changed(uri: string, changes: readonly Change[]): void;
  closed(uri: string): void;
  dispose(): void;
}

export interface TrackingParts {
  count(change: (today: Counts) => void): void;
  /** What became of a suggestion, named as it was when it was first shown. */
  outcome(suggestion: Suggestion, outcome: Outcome): void;
  /** Milliseconds from whenever. */
  now(): number;
  /** Text of an open document from one offset to another; undefined when it is closed. */
  textOf(uri: string, from: number, to: number): string | undefined;
  /** Calls after so many seconds; returns what calls it off. */
  after(seconds: number, call: () => void): () => void;
}

interface Accepted {
  uri: string;
  start: number;
  end: number;
  text: string;
  callOff: (() => void)[];
}

/** Accepted suggestions that are followed at the same time. */
const MOST_FOLLOWED = 500;
/** A typed letter comes alone; two and more that agree were taken. A pair of brackets is no part of a suggestion's start. */
const SHORTEST_PART = 2;
/** Milliseconds in which nobody reads a suggestion: what is typed over sooner was not looked at. */
const TO_READ = 300;
/** Seconds in which the command of a suggestion that was taken comes after the change that took it. */
const COMMAND_COMES = 0.5;

/** Milliseconds after which the next letter comes from thinking, not from typing. */
const LONGEST_STROKE = 1000;

/** The suggestion that may stand on the screen: what of it is not in the document yet, and where that goes. */
interface Standing {
  origin: Suggestion;
  since: number;
  uri: string;
  offset: number;
  rest: string;
  /** Its outcome was told. */
  told: boolean;
  partly: boolean;
}

export function createTracking({ count, outcome, now, textOf, after }: TrackingParts): Tracking {
  const followed = new Set<Accepted>();
  let current: Standing | undefined;
  let lastLetter: { uri: string; at: number } | undefined;
  /** The one before, which went; not for good while the command that took it may come. */
  let leaving: { standing: Standing; callOff: () => void } | undefined;

  /** The pace of the hand, from letters that come alone. */
  function hearLetter(uri: string, changes: readonly Change[]): void {
    const [only] = changes;
    const before = lastLetter;
    const isLetter = changes.length === 1 && only?.length === 0 && only.text.length === 1;
    lastLetter = isLetter ? { uri, at: now() } : undefined;
    if (!lastLetter || before?.uri !== uri) return;
    const stroke = Math.round(lastLetter.at - before.at);
    if (stroke > LONGEST_STROKE) return;
    count((today) => {
      today.typed++;
      today.typing += stroke;
    });
  }

  function tell(standing: Standing, what: Outcome): void {
    if (!standing.told) outcome(standing.origin, what);
    standing.told = true;
  }

  function leave(): void {
    const standing = current;
    current = undefined;
    settle();
    if (!standing || standing.told || now() - standing.since < TO_READ) return;
    leaving = { standing, callOff: after(COMMAND_COMES, settle) };
  }

  /** What was about to go has gone. */
  function settle(): void {
    leaving?.callOff();
    if (leaving) tell(leaving.standing, 'dismissed');
    leaving = undefined;
  }

  function follow({ uri, offset, text }: Suggestion): void {
    const callOff: (() => void)[] = [];
    const own: Accepted = { uri, start: offset, end: offset + text.length, text, callOff };
    const oldest = followed.size >= MOST_FOLLOWED ? [...followed][0] : undefined;
    if (oldest) drop(oldest);
    followed.add(own);
    for (const [index, seconds] of KEPT_AFTER.entries()) {
      callOff.push(
        after(seconds, () => {
          look(own, index);
          if (index === KEPT_AFTER.length - 1) followed.delete(own);
        }),
      );
    }
  }

  function look({ uri, start, end, text }: Accepted, index: number): void {
    const now = textOf(uri, start, end);
    if (now === undefined) return;
    const stands = bare(now).includes(bare(text));
    count((today) => {
      today.looked[index] = (today.looked[index] ?? 0) + 1;
      if (stands) today.kept[index] = (today.kept[index] ?? 0) + 1;
    });
  }

  function drop(own: Accepted): void {
    for (const stop of own.callOff) stop();
    followed.delete(own);
  }

  function takeIn({ offset, length, text }: Change): void {
    if (!current) return;
    if (offset === current.offset && text === current.rest && text.length > 1) {
      // All of it, typed over what stood behind it or not: the command follows.
      current.rest = '';
      return;
    }
    // A pair of brackets or quotes that the editor closes brings one letter too many.
    const typed = text.length === 2 && !current.rest.startsWith(text) ? text.slice(0, 1) : text;
    if (length > 0 || offset !== current.offset || typed === '' || !current.rest.startsWith(typed)) {
      leave();
      return;
    }
    current.offset += typed.length;
    current.rest = current.rest.slice(typed.length);
    if (current.rest === '') tell(current, 'accepted');
    if (typed.length < SHORTEST_PART || current.rest === '' || current.partly) return;
    current.partly = true;
    tell(current, 'partiallyAccepted');
    count((today) => {
      today.partly++;
    });
  }

  function standingOf({ uri, offset, text }: Suggestion): Standing | undefined {
    // Its end is where that of the whole was, however much was typed of it.
    const same = ({ origin }: Standing) =>
      origin.uri === uri && origin.text.endsWith(text) && origin.offset + origin.text.length === offset + text.length;
    return [current, leaving?.standing].find((standing) => standing && same(standing));
  }

  return {
    shown(suggestion) {
      const { uri, offset, text } = suggestion;
      // Typed into, or asked for again: the same suggestion.
      const here = current?.uri === uri && current.offset === offset;
      if (here && current?.rest === text) return;
      // Another one in its place is not the user's doing.
      if (!here) leave();
      current = { origin: suggestion, since: now(), uri, offset, rest: text, told: false, partly: false };
      outcome(suggestion, 'shown');
      count((today) => {
        today.shown++;
      });
    },
    accepted(suggestion) {
      const standing = standingOf(suggestion);
      if (standing) tell(standing, 'accepted');
      else outcome(suggestion, 'accepted');
      if (standing === leaving?.standing) {
        leaving?.callOff();
        leaving = undefined;
      }
      current = undefined;
      count((today) => {
        today.accepted++;
        today.characters += suggestion.text.length;
      });
      follow(suggestion);
    },
    changed(uri, changes) {
      // An event without a change tells that the document was saved.
      if (changes.length > 0) hearLetter(uri, changes);
      for (const own of followed) if (own.uri === uri) for (const change of changes) shift(own, change);
      if (current?.uri !== uri) return;
      const [only] = changes;
      if (changes.length === 1 && only) takeIn(only);
      else if (changes.length > 1) leave();
    },
    closed(uri) {
      for (const own of followed) if (own.uri === uri) drop(own);
      if (current?.uri === uri) current = undefined;
    },
    dispose() {
      leaving?.callOff();
      for (const own of followed) drop(own);
    },
  };
}

/** Moves a range with a change before it, and stretches or shrinks it with one inside. */
function shift(own: { start: number; end: number }, { offset, length, text }: Change): void {
  const end = offset + length;
  const grown = text.length - length;
  if (end <= own.start) {
    own.start += grown;
    own.end += grown;
  } else if (offset < own.end) {
    own.start = Math.min(own.start, offset);
    own.end = Math.max(own.end, end) + grown;
  }
}

function bare(text: string): string {
  return text.replace(/\s+/g, '');
}
