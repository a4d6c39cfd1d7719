/**
 * What the Lens page and the extension say to each other. Each side checks what it hears: a page is a browser, and what
 * it shows comes from files that may be hostile.
 */
import type { FillTrace } from '../../language-server/protocol.ts';

export type ToPage = { type: 'trace'; trace: FillTrace | null };
export type FromPage = { type: 'ready' } | { type: 'copy'; text: string } | { type: 'save'; svg: string };

/** Characters; a trace of 8,192 tokens stays far below. */
const LARGEST_TEXT = 32_000_000;

export function isFromPage(value: unknown): value is FromPage {
  if (!isRecord(value)) return false;
  switch (value.type) {
    case 'ready':
      return true;
    case 'copy':
      return isShort(value.text);
    case 'save':
      return isShort(value.svg) && value.svg.startsWith('<svg ');
    default:
      return false;
  }
}

export function isToPage(value: unknown): value is ToPage {
  return isRecord(value) && value.type === 'trace' && (value.trace === null || isTrace(value.trace));
}

/** Whether a value has the form of a trace, with every index inside its list. */
export function isTrace(value: unknown): value is FillTrace {
  if (!isRecord(value) || value.format !== 1) return false;
  const { partA, partB, spans, timings } = value;
  if (!isString(value.model) || !isString(value.device)) return false;
  if (!Array.isArray(partA) || !Array.isArray(partB) || !Array.isArray(spans) || !isRecord(timings)) return false;
  const isMask = (index: unknown) => Number.isInteger(index) && partA[index as number] !== undefined;
  return (
    value.separator === partA.length &&
    isOptional(value.causal, (causal) => causal === true) &&
    (value.partARead === 'now' || value.partARead === 'earlier') &&
    [timings.tokenize, timings.read, timings.extend, timings.total].every(isNumber) &&
    partA.every((token) => isToken(token) && isNumber(token.position) && isNumber(token.blockPosition)) &&
    partB.every((token) => isSpanToken(token) && isMask(token.blank)) &&
    spans.every((span) => isSpan(span) && isMask(span.blank))
  );
}

function isToken(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && isNumber(value.id) && isString(value.text) && isOptional(value.special, isString);
}

function isSpan(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && isString(value.text) && isString(value.finish) && isNumber(value.confidence);
}

function isSpanToken(value: unknown): value is Record<string, unknown> {
  return (
    isToken(value) &&
    ['start', 'forced', 'predicted', 'cut'].includes(value.origin as string) &&
    ['fed', 'held', 'unfed'].includes(value.row as string) &&
    [
      value.position,
      value.blockPosition,
      value.logProbability,
      value.fromDocument,
      value.trust,
      value.forcedBytes,
    ].every((n) => isOptional(n, isNumber)) &&
    isOptional(value.rivals, (rivals) => Array.isArray(rivals) && rivals.every(isRival))
  );
}

const isRival = (value: unknown): boolean =>
  isToken(value) && isNumber(value.logProbability) && isOptional(value.fromDocument, isNumber);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isString = (value: unknown): value is string => typeof value === 'string';
const isShort = (value: unknown): value is string => isString(value) && value.length <= LARGEST_TEXT;
const isOptional = (value: unknown, check: (value: unknown) => boolean): boolean => value === undefined || check(value);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
