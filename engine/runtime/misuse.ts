/** What a caller of a session can get wrong, checked before anything is computed; the addon checks the same itself. */
import type { GlmConfig } from '../model/config.ts';
import type { TokenRows } from './runtime.ts';

export function checkCapacity({ maxLength }: GlmConfig, capacity: number): void {
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= maxLength) return;
  throw new RangeError(`A session of ${capacity} tokens cannot be opened: the model takes 1 to ${maxLength}.`);
}

export function checkRows(config: GlmConfig, { tokens, positions, blockPositions }: TokenRows): void {
  const places = config.maxLength + (config.positions === 'learned-2d' ? 1 : 2);
  checkIds('tokens', tokens, config.vocabSize);
  checkIds('positions', positions, places);
  checkIds('blockPositions', blockPositions, places);
  if (tokens.length === 0) throw new RangeError('There must be at least one token.');
  if (positions.length !== tokens.length || blockPositions.length !== tokens.length)
    throw new RangeError('Tokens, positions and block positions must have the same length.');
}

export function checkRoom(capacity: number, held: number, more: number): void {
  if (held + more <= capacity) return;
  throw new RangeError(`The session has room for ${capacity} tokens and holds ${held}; ${more} more do not fit.`);
}

export function checkRewind(length: number, held: number, fixed: number): void {
  if (Number.isInteger(length) && length >= fixed && length <= held) return;
  throw new RangeError(`Cannot rewind to ${length} tokens: the session holds ${held}, of which Part A has ${fixed}.`);
}

function checkIds(key: string, ids: Int32Array, limit: number): void {
  if (!(ids instanceof Int32Array)) throw new TypeError(`"${key}" must be an Int32Array.`);
  const wrong = ids.findIndex((id) => id < 0 || id >= limit);
  if (wrong === -1) return;
  throw new RangeError(`"${key}" has ${ids[wrong]} at index ${wrong}; the model's ids end at ${limit - 1}.`);
}
