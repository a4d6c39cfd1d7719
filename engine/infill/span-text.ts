/** From the bytes of a span to text that can be inserted: whole characters only, and the end of the first line. */

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const TAB = 9;

/** Index of the line break that ends the last of `lines` lines with something other than white space, or undefined. */
export function endOfLine(bytes: readonly number[], lines = 1): number | undefined {
  let ended = 0;
  let hasText = false;
  for (const [index, byte] of bytes.entries()) {
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
      if (hasText && ++ended === lines) return index;
      hasText = false;
    } else if (byte !== SPACE && byte !== TAB) {
      hasText = true;
    }
  }
  return undefined;
}

/** The longest beginning of `bytes` that is well-formed UTF-8, as text: half a character at the end is dropped. */
export function decodeWellFormed(bytes: Uint8Array): string {
  let end = 0;
  while (end < bytes.length) {
    const length = characterLength(bytes, end);
    if (length === 0) break;
    end += length;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, end));
}

/** Bytes of the character at `at`, 0 where it is malformed or incomplete (Unicode 15, table 3-7). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] as number;
    const inRange = i === 1 ? byte >= least && byte <= most : byte >= 0x80 && byte <= 0xbf;
    if (!inRange) return 0;
  }
  return length;
}
