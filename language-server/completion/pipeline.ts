/**
 * One request from document to ghost text: place -> limits -> cache -> anchor -> model -> shape -> cache -> fit.
 * No step looks back at an earlier one, and nothing here fails on a user's text: what cannot be completed is logged.
 */
import type { InlineCompletionItem, InlineCompletionParams } from 'vscode-languageserver';
import { InlineCompletionTriggerKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { sureBeginning } from '../../engine/infill/certainty.ts';
import type { Fill, Passage } from '../../engine/infill/fill.ts';
import type { EngineHost } from '../engine-host.ts';
import type { Log } from '../log.ts';
import { createNeighbours } from '../neighbours.ts';
import type { ClozeSettings } from '../protocol.ts';
import { languageEnabled } from '../settings.ts';
import { type Anchor, typedSince } from './anchor.ts';
import { createCompletionCache } from './cache.ts';
import { fitToLine } from './fit.ts';
import { documentLimit, placeLimit } from './limits.ts';
import { insideWord, type LineRule, lineRule } from './lines.ts';
import { openBlank, reachOf } from './passage.ts';
import { locate, type Place } from './place.ts';
import { shape } from './shape.ts';

const CACHED_COMPLETIONS = 250;

export interface PipelineParts {
  documents: { get(uri: string): TextDocument | undefined; all(): TextDocument[] };
  host: Pick<EngineHost, 'fill'>;
  settings(): ClozeSettings;
  /** Path of a document as the model reads it. */
  pathOf(uri: string): string;
  log: Log;
}

export interface Pipeline {
  complete(params: InlineCompletionParams, signal: AbortSignal): Promise<InlineCompletionItem[]>;
  /** Forgets what was said about a document that is closed. */
  forget(uri: string): void;
  /** Forgets all completions: another model or other settings would give others. */
  clear(): void;
}

export function createPipeline({ documents, host, settings, pathOf, log }: PipelineParts): Pipeline {
  const cache = createCompletionCache(CACHED_COMPLETIONS, () => reachOf(settings().completion.contextTokens));
  const neighbours = createNeighbours(pathOf);
  const refused = new Set<string>();
  let anchor: Anchor | undefined;

  /** A limit is said once for each document, not at each keystroke. */
  function refuse(uri: string, reason: string): InlineCompletionItem[] {
    if (!refused.has(uri)) log.info(`No completions in ${pathOf(uri)}: ${reason}.`);
    refused.add(uri);
    return [];
  }

  function ask(place: Place, rule: LineRule, least: number, signal: AbortSignal): Promise<Fill | undefined> {
    const { maxTokens, timeLimit, contextTokens } = settings().completion;
    let forced = anchor && typedSince(anchor, place);
    if (!anchor || forced === undefined) {
      anchor = openBlank(place, pathOf(place.uri), neighbours.pick(place, documents.all()), contextTokens);
      forced = place.before.slice(anchor.before.length);
    }
    const passage: Passage = { ...anchor.passage, forced };
    const singleLine = rule === 'one';
    const options = { maxTokens, contextTokens, timeLimit, singleLine, least, temperature: 0, topP: 1, seed: 0 };
    return host.fill(passage, options, signal);
  }

  async function completionAt(place: Place, asked: boolean, signal: AbortSignal): Promise<string> {
    const surroundings = neighbours.fingerprint(place, documents.all());
    const known = cache.find(place, surroundings);
    if (known !== undefined) return known;
    const rule = lineRule(place, settings().completion.multiline);
    // What the user asks for is shown however unsure the model is.
    const least = asked ? 0 : settings().completion.threshold;
    const fill = await ask(place, rule, least, signal);
    if (!fill) return '';
    const sure = sureBeginning(fill, least);
    const completion = shape(sure === fill ? fill : { text: sure.text, finish: 'line' }, place, rule);
    if (completion !== '' || sure === fill) cache.store(place, surroundings, completion);
    log.debug(
      `${pathOf(place.uri)}: ${fill.tokens.length} tokens in ${Math.round(fill.timings.total)} ms, ` +
        `confidence ${fill.confidence.toFixed(2)}, ended by ${fill.finish}` +
        (completion === '' ? ', nothing left to show' : ''),
    );
    return completion;
  }

  return {
    async complete(params, signal) {
      const document = documents.get(params.textDocument.uri);
      if (!document || !isPosition(params.position)) return [];
      if (!settings().enable || !languageEnabled(settings(), document.languageId)) return [];
      const unfit = documentLimit(document);
      if (unfit) return refuse(document.uri, unfit);
      const place = locate(document, params.position, params.context?.selectedCompletionInfo);
      const odd = placeLimit(place);
      if (odd) return refuse(document.uri, odd);
      const asked = params.context?.triggerKind === InlineCompletionTriggerKind.Invoked;
      if (insideWord(place) && !asked) return [];
      const completion = await completionAt(place, asked, signal);
      if (signal.aborted) return [];
      const fitted = fitToLine(completion, place);
      return fitted ? [itemOf(fitted.text, fitted.replaces, place, document)] : [];
    },
    forget(uri) {
      refused.delete(uri);
      if (anchor?.uri === uri) anchor = undefined;
    },
    clear() {
      cache.clear();
      anchor = undefined;
    },
  };
}

/** The range begins at the cursor (or at the selected list entry) and stays on its line, as editors demand. */
function itemOf(
  text: string,
  replaces: number,
  { range, chosen, eol }: Place,
  document: TextDocument,
): InlineCompletionItem {
  const end = document.positionAt(document.offsetAt(range.end) + replaces);
  return { insertText: `${chosen}${text.replaceAll('\n', eol)}`, range: { start: range.start, end } };
}

function isPosition(position: unknown): boolean {
  const { line, character } = (position ?? {}) as { line?: unknown; character?: unknown };
  return Number.isInteger(line) && Number.isInteger(character);
}
