/**
 * One request from document to ghost text: place -> limits -> cache -> anchor -> model -> shape -> cache -> fit; then, in
 * idle time, the same for the place where the cursor would stand if the suggestion were accepted.
 * No step looks back at an earlier one, and nothing here fails on a user's text: what cannot be completed is logged.
 */
import type { InlineCompletionItem, InlineCompletionParams } from 'vscode-languageserver';
import { InlineCompletionTriggerKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type SureBeginning, sureBeginning } from '../../engine/infill/certainty.ts';
import type { Fill, FillOptions, Passage } from '../../engine/infill/fill.ts';
import type { EngineHost } from '../engine-host.ts';
import type { Log } from '../log.ts';
import { createNeighbours, type Neighbours } from '../neighbours.ts';
import type { AnsweredRequest, ClozeSettings, Decision } from '../protocol.ts';
import { languageEnabled } from '../settings.ts';
import type { Ahead } from './ahead.ts';
import { type Anchor, typedSince } from './anchor.ts';
import { createCompletionCache } from './cache.ts';
import { type Fitted, fitToLine } from './fit.ts';
import type { IndentUnit } from './indentation.ts';
import { createJournal, type Notes } from './journal.ts';
import type { Learning } from './learning.ts';
import { documentLimit, placeLimit } from './limits.ts';
import { insideWord, isBlank, keysOf, type LineRule, lineRule } from './lines.ts';
import { openBlank, reachOf } from './passage.ts';
import { type CursorPlace, locate, type Place, placeAfter, type Surroundings } from './place.ts';
import type { Quiet } from './quiet.ts';
import { shape } from './shape.ts';

const CACHED_COMPLETIONS = 250;
/** Where the user asks by hand. */
const CANDIDATES = 3;

/** Keys that a suggestion saves at least when it comes up: taking it is a key, so one letter would only catch the eye. */
export const LEAST_KEYS = 2;

const GREEDY = { temperature: 0, topP: 1, seed: 0 };

export interface PipelineParts {
  documents: { get(uri: string): TextDocument | undefined; all(): TextDocument[] };
  host: Pick<EngineHost, 'fill'>;
  settings(): ClozeSettings;
  /** Path of a document as the model reads it. */
  pathOf(uri: string): string;
  quiet: Pick<Quiet, 'reason'>;
  /** How sure the model must be; as the settings say where there is none. */
  learning?: Pick<Learning, 'threshold' | 'given'>;
  /** Where snippets from elsewhere come from; the other open documents alone where it is left out. */
  neighbours?: Neighbours;
  /** What surrounds a document that is a part of a longer text. */
  around?(uri: string): Surroundings;
  /** How the editor indents a document, where it says so. */
  indentation?(uri: string): IndentUnit | undefined;
  /** In place of `LEAST_KEYS`. */
  leastKeys?: number;
  /** Prepares the suggestion after the next; without it nothing is done that nobody asked for. */
  ahead?: Ahead;
  log: Log;
}

export interface Pipeline {
  /** One item; up to three different ones where the user asked by hand. */
  complete(params: InlineCompletionParams, signal: AbortSignal): Promise<InlineCompletionItem[]>;
  /** The last requests, newest first. */
  requests(): AnsweredRequest[];
  /** Forgets what was said about a document that is closed. */
  forget(uri: string): void;
  /** Forgets all completions: another model or other settings would give others. */
  clear(): void;
}

export function createPipeline({
  documents,
  host,
  settings,
  pathOf,
  quiet,
  learning,
  neighbours = createNeighbours(pathOf),
  around,
  indentation,
  leastKeys = LEAST_KEYS,
  ahead,
  log,
}: PipelineParts): Pipeline {
  const cache = createCompletionCache(CACHED_COMPLETIONS, () => reachOf(settings().completion.contextTokens));
  const journal = createJournal();
  const refused = new Set<string>();
  /** The blank that the user types in, first; and that of the place after it, once that is prepared. */
  let anchors: Anchor[] = [];

  /** A limit is said once for each document, not at each keystroke. */
  function refuse(uri: string, reason: string): void {
    if (!refused.has(uri)) log.info(`No completions in ${pathOf(uri)}: ${reason}.`);
    refused.add(uri);
  }

  /** The blank at a place, with what was typed since it was opened. */
  function passageAt(place: Place, prepared = false): Passage {
    const { contextTokens } = settings().completion;
    let anchor = anchors.find((each) => typedSince(each, place) !== undefined);
    if (!anchor) {
      anchor = openBlank(place, pathOf(place.uri), neighbours.pick(place, documents.all()), contextTokens);
      anchors = prepared ? [...anchors.slice(0, 1), anchor] : [anchor];
    } else if (!prepared && anchor !== anchors[0]) anchors = [anchor];
    return { ...anchor.passage, forced: place.before.slice(anchor.before.length) };
  }

  function optionsFor(rule: LineRule, draw: Pick<FillOptions, 'least' | 'aside'>): FillOptions {
    const { maxTokens, timeLimit, contextTokens } = settings().completion;
    return { maxTokens, contextTokens, timeLimit, singleLine: rule === 'one', ...GREEDY, ...draw };
  }

  /**
   * What the user asks for by hand is shown however unsure the model is, with other candidates; first comes what is
   * there already, if anything is. `prepared`: nobody asks for it yet.
   */
  async function completionAt(
    place: Place,
    rule: LineRule,
    { invoked = false, prepared = false },
    signal: AbortSignal,
  ): Promise<Answer> {
    const surroundings = neighbours.fingerprint(place, documents.all());
    const known = cache.find(place, surroundings, { whole: invoked });
    const there: Answer | undefined = known && {
      text: known.text,
      others: [],
      typed: known.typed,
      probability: known.probability,
      decided: 'nothing',
      notes: known.prepared ? { cached: true, prepared: true } : { cached: true },
    };
    if (there && !invoked) return there;
    const least = invoked ? 0 : (learning?.threshold() ?? settings().completion.threshold);
    const completed = await host.fill(
      passageAt(place, prepared),
      optionsFor(rule, { least, aside: prepared || there !== undefined }),
      signal,
      invoked ? CANDIDATES : 1,
    );
    if (!completed.fill) {
      const { why, detail } = completed;
      const notes = detail === undefined ? {} : { detail };
      return there ?? { text: '', others: [], typed: 0, probability: 0, decided: why, notes };
    }
    const shaped = (each: Fill) => shape(each, place, rule);
    const fills = [completed.fill, ...completed.others];
    if (there) return { ...there, others: fills.map(shaped) };
    const { fill } = completed;
    const others = completed.others.map(shaped);
    const sure = sureBeginning(fill, least);
    const { cut, probability } = sure;
    const text = shape(cut ? { text: sure.text, finish: 'line' } : fill, place, rule);
    // What is left is not all where there was no time for more; nothing may be left only because the model is not
    // sure yet: one more letter can change that; and of candidates one with nothing in it says little.
    if (text === '' ? !cut && !invoked && fill.finish !== 'time' : cut || fill.finish !== 'time') {
      cache.store(place, surroundings, { text, probability, cut, prepared });
    }
    log.debug(
      `${pathOf(place.uri)}${prepared ? ', ahead' : ''}: ${fill.tokens.length} tokens in ${Math.round(fill.timings.total)} ms, ` +
        `confidence ${fill.confidence.toFixed(2)}, ended by ${fill.finish}` +
        (text === '' ? ', nothing left to show' : ''),
    );
    return {
      text,
      others,
      typed: 0,
      probability,
      decided: whyNothing(fill, sure),
      notes: { fill: figuresOf(fill, completed.waiting) },
    };
  }

  /** What would be asked for if the suggestion were accepted. */
  function prepareAfter(place: Place, suggestion: Fitted): void {
    const next = placeAfter(place, suggestion);
    if (!settings().completion.automatic || placeLimit(next) || insideWord(next)) return;
    const rule = lineRule(next, settings().completion.multiline);
    ahead?.prepare((signal) => completionAt(next, rule, { prepared: true }, signal));
  }

  /** Why nothing may be shown in the document, wherever it is. */
  function documentHindrance(document: TextDocument): Verdict | undefined {
    if (!settings().enable) return { decided: 'off' };
    if (!languageEnabled(settings(), document.languageId)) return { decided: 'language' };
    const unfit = documentLimit(document);
    return unfit ? { decided: 'document', detail: unfit } : undefined;
  }

  /** Why nothing may be shown at the place. */
  function placeHindrance(document: TextDocument, place: Place, invoked: boolean): Verdict | undefined {
    const odd = placeLimit(place);
    if (odd) return { decided: 'line', detail: odd };
    if (invoked) return undefined;
    if (!settings().completion.automatic) return { decided: 'manual' };
    const quieted = quiet.reason(document);
    if (quieted) return { decided: quieted };
    return insideWord(place) ? { decided: 'word' } : undefined;
  }

  async function answer(
    document: TextDocument,
    { position, context }: InlineCompletionParams,
    invoked: boolean,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const unfit = documentHindrance(document);
    if (unfit) return unfit;
    const place = {
      ...locate(document, position, context?.selectedCompletionInfo, around?.(document.uri)),
      indentation: indentation?.(document.uri),
    };
    const hindered = placeHindrance(document, place, invoked);
    if (hindered) return hindered;
    const rule = lineRule(place, settings().completion.multiline);
    const { text, others, typed, probability, decided, notes } = await completionAt(place, rule, { invoked }, signal);
    if (signal.aborted) return { decided: 'overtaken', ...notes };
    const texts = [...new Set([text, ...others])].filter((each) => each !== '').slice(0, CANDIDATES);
    if (texts.length === 0) return { decided, ...notes };
    if (!invoked && typed + keysOf(text) < leastKeys) return { decided: 'short', ...notes };
    const fitted = texts.map((each) => fitToLine(each, place)).filter((each) => each !== undefined);
    const [first] = fitted;
    if (!first) return { decided: 'present', ...notes };
    const items = fitted.map((each) => itemOf(each, place, document));
    if (!invoked && items[0]) learning?.given(document.uri, items[0], probability);
    prepareAfter(place, first);
    return { decided: 'shown', items, ...notes };
  }

  return {
    async complete(params, signal) {
      const { uri } = params.textDocument;
      const document = documents.get(uri);
      const { position } = params;
      const invoked = params.context?.triggerKind === InlineCompletionTriggerKind.Invoked;
      if (!document || !isPosition(position)) return [];
      ahead?.stop();
      const close = journal.open({ path: pathOf(uri), line: position.line, character: position.character, invoked });
      const { items = [], decided, ...notes } = await answer(document, params, invoked, signal);
      close(decided, notes);
      if (notes.detail !== undefined && (decided === 'document' || decided === 'line')) refuse(uri, notes.detail);
      return items;
    },
    requests: journal.entries,
    forget(uri) {
      refused.delete(uri);
      if (!anchors.some((anchor) => anchor.uri === uri)) return;
      ahead?.stop();
      anchors = anchors.filter((anchor) => anchor.uri !== uri);
    },
    clear() {
      ahead?.stop();
      cache.clear();
      anchors = [];
    },
  };
}

/** `decided` is why there is nothing where the text is empty. */
interface Answer {
  text: string;
  /** Other candidates; the same text may be among them, and texts with nothing in them. */
  others: readonly string[];
  /** Characters of the suggestion that the user has typed already. */
  typed: number;
  probability: number;
  decided: Decision;
  notes: Notes;
}

interface Verdict extends Notes {
  decided: Decision;
  items?: InlineCompletionItem[];
}

function whyNothing(fill: Fill, sure: SureBeginning): Decision {
  if (fill.finish === 'time' && !sure.cut) return 'late';
  if (isBlank(fill.text)) return fill.finish === 'unsure' ? 'unsure' : 'nothing';
  return isBlank(sure.text) ? 'unsure' : 'repeats';
}

function figuresOf({ timings, tokens, confidence, finish }: Fill, waiting: number): NonNullable<Notes['fill']> {
  const { tokenize, read, extend } = timings;
  return { waiting, tokenize, read, extend, tokens: tokens.length, confidence, finish };
}

/** The range begins at the cursor (or at the selected list entry) and stays on its line, as editors demand. */
function itemOf(
  { text, replaces }: Fitted,
  { range, chosen, eol }: CursorPlace,
  document: TextDocument,
): InlineCompletionItem {
  const end = document.positionAt(document.offsetAt(range.end) + replaces);
  return { insertText: `${chosen}${text.replaceAll('\n', eol)}`, range: { start: range.start, end } };
}

function isPosition(position: unknown): boolean {
  const { line, character } = (position ?? {}) as { line?: unknown; character?: unknown };
  return Number.isInteger(line) && Number.isInteger(character);
}
