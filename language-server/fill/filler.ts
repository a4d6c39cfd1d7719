/** One `cloze/fill` request from document to texts: places -> passage -> model -> shape. Fails with words for the user. */
import { LSPErrorCodes, ResponseError } from 'vscode-languageserver';
import type { FillOptions } from '../../engine/infill/fill.ts';
import { reachOf } from '../completion/passage.ts';
import type { PipelineParts } from '../completion/pipeline.ts';
import { NO_SURROUNDINGS, unixLines } from '../completion/place.ts';
import type { EngineHost } from '../engine-host.ts';
import { messageOf } from '../error-message.ts';
import { createNeighbours } from '../neighbours.ts';
import type { BlankText, FillResult } from '../protocol.ts';
import { type CheckedFill, checkFill, checkVersion } from './blank-places.ts';
import { blankRule, blanksPassage, placeOf } from './blanks-passage.ts';
import { shapeSpan } from './span-shape.ts';

/** Generous for a line of code, which has about 10 tokens. */
const TOKENS_PER_LINE = 32;
const LEAST_TOKENS = 64;
/** The engine gives each of several blanks less where the model is too short for all. */
const MOST_TOKENS = 256;
const LINES_AROUND = 15;
/** How other candidates are drawn: away from the most probable text, but not into its improbable rest. */
const OTHER = { temperature: 0.8, topP: 0.9 };

export interface FillerParts extends Omit<PipelineParts, 'host' | 'quiet'> {
  host: Pick<EngineHost, 'fillBlanks'>;
}

export interface Filler {
  /** Rejects with ResponseError: what was wrong with the request, or why there is no fill. */
  fill(params: unknown, signal: AbortSignal): Promise<FillResult>;
}

export function createFiller({
  documents,
  host,
  settings,
  pathOf,
  neighbours = createNeighbours(pathOf),
  around,
  indentation,
  log,
}: FillerParts): Filler {
  async function fillChecked(checked: CheckedFill, signal: AbortSignal): Promise<FillResult> {
    const { document, places, length, order, instruction, alongside } = checked;
    const { version, uri } = document;
    const first = places.find(({ asked }) => asked !== undefined) as (typeof places)[number];
    const { contextTokens } = settings().completion;
    const passage = blanksPassage({
      document,
      places,
      length,
      instruction,
      path: pathOf(uri),
      neighbours: [
        ...alongside.map((other) => ({ path: pathOf(other.document.uri), text: linesAround(other) })),
        ...neighbours.pick(
          placeOf(document, first),
          documents.all().filter((each) => !alongside.some((other) => other.document === each)),
        ),
      ],
      reach: reachOf(contextTokens),
      surroundings: around?.(uri) ?? NO_SURROUNDINGS,
    });
    const { blanks, timings, oneByOne } = await host.fillBlanks(
      { ...passage, order },
      optionsFor(checked, contextTokens),
      signal,
    );
    checkVersion(document, version);
    log.debug(`${pathOf(uri)}: ${places.length} blanks in ${Math.round(timings.total)} ms`);
    const texts: BlankText[] = [];
    for (const [index, blank] of places.entries()) {
      const filled = blanks[index];
      if (blank.asked === undefined || !filled) continue;
      const place = { ...placeOf(document, blank), indentation: indentation?.(uri) };
      const newText = shapeSpan(filled, place, blankRule(place, length));
      texts[blank.asked] = { range: blank.range, newText, confidence: filled.confidence };
    }
    return oneByOne ? { blanks: texts, oneByOne } : { blanks: texts };
  }

  return {
    async fill(params, signal) {
      try {
        return await fillChecked(
          checkFill(params, (uri) => documents.get(uri)),
          signal,
        );
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        if (signal.aborted) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'The fill was cancelled.');
        if (error instanceof Error && error.name === 'AbortError') {
          throw new ResponseError(
            LSPErrorCodes.ServerCancelled,
            'The fill was given up for a newer one or other settings.',
          );
        }
        throw new ResponseError(LSPErrorCodes.RequestFailed, messageOf(error));
      }
    },
  };
}

/** Some lines on either side of a blank in another document, and its own. */
function linesAround({ document, range }: CheckedFill['alongside'][number]): string {
  const start = { line: Math.max(0, range.start.line - LINES_AROUND), character: 0 };
  return unixLines(document.getText({ start, end: { line: range.end.line + LINES_AROUND, character: 0 } }));
}

function optionsFor({ length, candidate }: CheckedFill, contextTokens: number): FillOptions {
  const lines = length === 'block' ? Number.POSITIVE_INFINITY : length === 'line' ? 1 : length;
  return {
    maxTokens: Math.min(MOST_TOKENS, Math.max(LEAST_TOKENS, lines * TOKENS_PER_LINE)),
    contextTokens,
    timeLimit: 0,
    singleLine: false,
    temperature: candidate === 0 ? 0 : OTHER.temperature,
    topP: candidate === 0 ? 1 : OTHER.topP,
    seed: candidate,
  };
}
