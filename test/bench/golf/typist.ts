/**
 * A person who types a text again and asks for a completion after every key. A careful one takes what is right: the whole
 * of a suggestion with one key; else its leading lines, one key each; else its leading words, one key each where that saves
 * a key; nothing wrong is taken, so nothing is deleted. A hasty one reads the first word alone: where that is right all is
 * taken, and what was wrong of it is deleted again, one key for each word. Indentation costs nothing, since editors insert
 * it with the line break.
 */
import { type InlineCompletionItem, InlineCompletionTriggerKind } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { keysOf } from '../../../language-server/completion/lines.ts';
import type { Pipeline } from '../../../language-server/completion/pipeline.ts';
import type { Hole } from './holes.ts';

export interface Score {
  /** Keys that the text takes without completions, and those that were pressed. */
  keys: number;
  pressed: number;
  /** Suggestions that newly came up on the screen, and what became of them. */
  shown: number;
  accepted: number;
  partly: number;
  wrong: number;
  /** Suggestions that were taken and of which something was deleted later, and how many characters that were. */
  deleted: number;
  deletedCharacters: number;
  /** Suggestions that changed or went although what was typed agreed with them. */
  flickers: number;
}

/** `idle`: types on whatever is shown, so that flickers can be counted. */
export type Person = 'careful' | 'hasty' | 'idle';

export const NOTHING: Readonly<Score> = {
  keys: 0,
  pressed: 0,
  shown: 0,
  accepted: 0,
  partly: 0,
  wrong: 0,
  deleted: 0,
  deletedCharacters: 0,
  flickers: 0,
};

export interface Typing {
  hole: Hole;
  uri: string;
  pipeline: Pick<Pipeline, 'complete'>;
  /** Puts the document where the pipeline finds it. */
  hold(document: TextDocument): void;
  person: Person;
}

export async function typeAgain({ hole, uri, pipeline, hold, person }: Typing): Promise<Score> {
  const { before, typed, after } = hole;
  const score: Score = { ...NOTHING, keys: keysOf(typed) };
  let version = 1;
  let done = 0;
  /** What is on the screen, as the text that would follow the cursor; empty when nothing is. */
  let screen = '';
  while (done < typed.length) {
    const document = TextDocument.create(uri, hole.language, version++, before + typed.slice(0, done) + after);
    hold(document);
    const position = document.positionAt(before.length + done);
    const context = { triggerKind: InlineCompletionTriggerKind.Automatic };
    const params = { textDocument: { uri }, position, context };
    const [item] = await pipeline.complete(params, new AbortController().signal);
    const suggestion = item ? suggestedText(item) : '';
    const rest = typed.slice(done);
    const taken = takes(person, suggestion, rest);
    if (suggestion !== screen) {
      if (screen !== '') score.flickers++;
      if (suggestion !== '') {
        score.shown++;
        if (taken.length === 0) score.wrong++;
        else if (taken.length === suggestion.length || taken.deleted > 0) score.accepted++;
        else score.partly++;
      }
    }
    if (taken.deleted > 0) score.deleted++;
    score.deletedCharacters += taken.deleted;
    const next = taken.length > 0 ? taken.length : lengthOfKey(rest);
    score.pressed += taken.length > 0 ? taken.keys : 1;
    const key = rest.slice(0, next);
    screen = taken.length === 0 && suggestion.startsWith(key) && suggestion.length > next ? suggestion.slice(next) : '';
    if (screen.trim() === '') screen = '';
    done += next;
  }
  return score;
}

export function sum(scores: readonly Score[]): Score {
  const total = { ...NOTHING };
  for (const score of scores) {
    for (const key of Object.keys(total) as (keyof Score)[]) total[key] += score[key];
  }
  return total;
}

/** Whole lines are typed, so nothing stands right of the cursor that a suggestion could replace. */
function suggestedText({ insertText, range }: InlineCompletionItem): string {
  if (typeof insertText !== 'string' || (range && range.start.character !== range.end.character)) {
    throw new Error('A completion at the end of a line replaces text: the replay does not expect that.');
  }
  return insertText;
}

export interface Taken {
  /** Characters that stay. */
  length: number;
  keys: number;
  /** Characters that were taken as well, and deleted. */
  deleted: number;
}

function takes(person: Person, suggestion: string, rest: string): Taken {
  if (person === 'idle') return { length: 0, keys: 0, deleted: 0 };
  return person === 'hasty' ? hastyPart(suggestion, rest) : rightPart(suggestion, rest);
}

/** All of a suggestion whose first word is right; then what is wrong of it is deleted, a word with each key. */
export function hastyPart(suggestion: string, rest: string): Taken {
  const [first = ''] = /^\s*(?:[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]+)/u.exec(suggestion) ?? [];
  if (!endsRight(first, rest)) return { length: 0, keys: 0, deleted: 0 };
  let length = 0;
  while (length < suggestion.length && suggestion[length] === rest[length]) length++;
  const wrong = suggestion.slice(length);
  const words = wrong.match(/[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]+/gu)?.length ?? 0;
  return { length, keys: 1 + words, deleted: wrong.length };
}

/** How much of a suggestion the person takes, and with how many keys. */
export function rightPart(suggestion: string, rest: string): Taken {
  if (endsRight(suggestion, rest)) return worth(suggestion, 1);
  let [length, keys] = [0, 0];
  for (const [line] of suggestion.matchAll(/[^\n]*\n|[^\n]+$/g)) {
    if (!endsRight(suggestion.slice(0, length + line.length).trimEnd(), rest)) break;
    length += line.length;
    if (line.trim() !== '') keys++;
  }
  length = suggestion.slice(0, length).trimEnd().length;
  if (length > 0) return worth(suggestion.slice(0, length), keys);
  for (const [word] of suggestion.matchAll(/\s*(?:[\p{L}\p{N}_$]+|[^\p{L}\p{N}_$\s]+)/gu)) {
    const next = suggestion.slice(0, length + word.length);
    if (!rest.startsWith(next) || /[\p{L}\p{N}_$]{2}/u.test(rest.slice(next.length - 1, next.length + 1))) break;
    length = next.length;
    keys++;
  }
  return worth(suggestion.slice(0, length), keys);
}

/** Nothing is taken where typing it takes no more keys. */
function worth(text: string, keys: number): Taken {
  return keysOf(text) > keys ? { length: text.length, keys, deleted: 0 } : { length: 0, keys: 0, deleted: 0 };
}

/** Whether the text goes on so, up to the end of a word. */
function endsRight(text: string, rest: string): boolean {
  return (
    text !== '' && rest.startsWith(text) && !/[\p{L}\p{N}_$]{2}/u.test(rest.slice(text.length - 1, text.length + 1))
  );
}

/** A line break brings the indentation of the next line; blank lines bring none. */
export function lengthOfKey(rest: string): number {
  return /^\n[ \t]*/.exec(rest)?.[0].length ?? String.fromCodePoint(rest.codePointAt(0) ?? 0).length;
}
