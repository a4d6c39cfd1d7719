/** The blanks of a request as places in the document: checked, in the order of the text. Rejects what cannot be filled. */
import { ErrorCodes, LSPErrorCodes, type Position, type Range, ResponseError } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { documentLimit } from '../completion/limits.ts';
import { type FillLength, type FillOrder, type FillParams, MOST_BLANKS } from '../protocol.ts';

/** Characters [start, end) of the document. */
export interface BlankPlace {
  start: number;
  end: number;
  range: Range;
  hint: string;
  /** Index in the request's `blanks`; `undefined` for a kept one. */
  asked: number | undefined;
}

export interface CheckedFill {
  document: TextDocument;
  places: BlankPlace[];
  length: FillLength;
  order: FillOrder;
  candidate: number;
  instruction: string;
  /** Other open documents, each with the lines of a blank in it. */
  alongside: { document: TextDocument; range: Range }[];
}

/** Throws ResponseError with the code and the message that the client gets. */
export function checkFill(params: unknown, find: (uri: string) => TextDocument | undefined): CheckedFill {
  const {
    textDocument,
    blanks,
    kept = [],
    alongside = [],
    instruction = '',
    options,
  } = (params ?? {}) as Partial<FillParams>;
  if (
    typeof textDocument?.uri !== 'string' ||
    !Array.isArray(blanks) ||
    !Array.isArray(kept) ||
    !Array.isArray(alongside)
  ) {
    throw invalid('A fill needs textDocument with uri and version, and blanks with a range each.');
  }
  const document = find(textDocument.uri);
  if (!document) throw invalid(`${textDocument.uri} is not open: open it before its blanks are filled.`);
  checkVersion(document, textDocument.version);
  const unfit = documentLimit(document);
  if (unfit) throw new ResponseError(LSPErrorCodes.RequestFailed, `This document cannot be filled: ${unfit}.`);
  if (blanks.length === 0) throw invalid('There is nothing to fill: the request has no blanks.');
  if (blanks.length + kept.length > MOST_BLANKS) {
    throw invalid(
      `${blanks.length + kept.length} blanks are more than the limit of ${MOST_BLANKS}: fill fewer of them at once.`,
    );
  }
  const places = [
    ...blanks.map((blank, index) => place(document, blank?.range, blank?.hint, index)),
    ...kept.map((blank) => place(document, blank?.range, undefined, undefined)),
  ].sort((a, b) => a.start - b.start || a.end - b.end);
  checkApart(places);
  if (typeof instruction !== 'string') throw invalid('The instruction must be text.');
  return {
    document,
    places,
    length: checkLength(options?.length),
    order: checkOrder(options?.order),
    candidate: checkCandidate(options?.candidate),
    instruction,
    alongside: alongside.map((other) => {
      const found = find(other?.textDocument?.uri);
      if (!found || !isRange(other.range)) {
        throw invalid('Each of alongside needs textDocument with the uri of an open document, and a range in it.');
      }
      return { document: found, range: other.range };
    }),
  };
}

/** Throws `ContentModified` unless the document is at the version that the client asked about. */
export function checkVersion(document: TextDocument, version: number): void {
  if (document.version === version) return;
  throw new ResponseError(
    LSPErrorCodes.ContentModified,
    `The document is at version ${document.version}, the blanks at version ${version}: ask again for the present text.`,
  );
}

function place(document: TextDocument, range: unknown, hint: unknown, asked: number | undefined): BlankPlace {
  const { start, end } = (range ?? {}) as Partial<Range>;
  if (!isPosition(start) || !isPosition(end)) throw invalid('A blank needs a range with start and end.');
  const [from, to] = [document.offsetAt(start), document.offsetAt(end)];
  if (!same(document.positionAt(from), start) || !same(document.positionAt(to), end)) {
    throw invalid(
      `The blank ${shown({ start, end })} lies outside the document, which has ${document.lineCount} lines.`,
    );
  }
  if (from > to) throw invalid(`The blank ${shown({ start, end })} ends before it starts.`);
  return { start: from, end: to, range: { start, end }, hint: typeof hint === 'string' ? hint : '', asked };
}

function checkApart(places: readonly BlankPlace[]): void {
  for (const [index, next] of places.entries()) {
    const last = places[index - 1];
    if (!last) continue;
    if (next.start < last.end || (next.start === last.start && next.end === last.end)) {
      throw invalid(`The blanks ${shown(last.range)} and ${shown(next.range)} overlap: each must have its own text.`);
    }
  }
}

function checkLength(length: unknown): FillLength {
  if (length === undefined || length === null) return 'block';
  if (length === 'line' || length === 'block') return length;
  if (typeof length === 'number' && Number.isInteger(length) && length >= 1) return length;
  throw invalid(
    `The length is ${JSON.stringify(length)}; it must be "line", "block" or a whole number of lines above 0.`,
  );
}

function checkOrder(order: unknown): FillOrder {
  if (order === undefined || order === null) return 'text';
  if (order === 'text' || order === 'certain') return order;
  throw invalid(`The order is ${JSON.stringify(order)}; it must be "text" or "certain".`);
}

function checkCandidate(candidate: unknown): number {
  if (candidate === undefined || candidate === null) return 0;
  if (typeof candidate === 'number' && Number.isSafeInteger(candidate) && candidate >= 0) return candidate;
  throw invalid(`The candidate is ${JSON.stringify(candidate)}; it must be a whole number from 0.`);
}

function invalid(message: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, message);
}

function isRange(range: unknown): range is Range {
  const { start, end } = (range ?? {}) as Partial<Range>;
  return isPosition(start) && isPosition(end);
}

function isPosition(position: unknown): position is Position {
  const { line, character } = (position ?? {}) as { line?: unknown; character?: unknown };
  return Number.isInteger(line) && Number.isInteger(character);
}

function same(a: Position, b: Position): boolean {
  return a.line === b.line && a.character === b.character;
}

/** Counted from 1, as editors show it. */
function shown({ start, end }: Range): string {
  return `${start.line + 1}:${start.character + 1}-${end.line + 1}:${end.character + 1}`;
}
