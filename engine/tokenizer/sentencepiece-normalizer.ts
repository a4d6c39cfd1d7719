/**
 * SentencePiece's normalization: the longest replacement that its compiled rules have, then spaces. Spaces become U+2581
 * afterwards. Facts: normalizer.cc and the double-array trie of darts.h.
 */
import type { SentencePieceModel } from './sentencepiece-model.ts';

export const SPACE = '\u2581';

export interface NormalizerOptions {
  /** Put a space before the text. */
  dummyPrefix: boolean;
}

export type Normalizer = (text: string, options: NormalizerOptions) => string;

export function sentencePieceNormalizer({ charsMap, trimsSpaces }: SentencePieceModel): Normalizer {
  const replace = charsMap.length > 0 ? replacer(charsMap) : (text: string) => text;
  return (text, { dummyPrefix }) => {
    let normal = replace(text);
    if (trimsSpaces) normal = normal.replace(/ {2,}/g, ' ').replace(/^ | $/g, '');
    if (dummyPrefix && normal !== '') normal = ` ${normal}`;
    return normal.replaceAll(' ', SPACE);
  };
}

/** Layout of the map: length of the trie in bytes, its units of 32 bits, then replacements that end with zero. */
function replacer(charsMap: Uint8Array<ArrayBuffer>): (text: string) => string {
  const view = new DataView(charsMap.buffer, charsMap.byteOffset, charsMap.byteLength);
  const trieLength = charsMap.length >= 4 ? view.getUint32(0, true) : 0;
  if (trieLength % 4 !== 0 || 4 + trieLength > charsMap.length)
    throw new Error('The normalization rules of the tokenizer are damaged.');
  const units = Uint32Array.from({ length: trieLength / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const replacements = charsMap.subarray(4 + trieLength);
  const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);

  /** Length of the longest rule at `at` and where its replacement begins. */
  function longest(bytes: Uint8Array, at: number): { length: number; value: number } | undefined {
    let found: { length: number; value: number } | undefined;
    let node = offsetOf(units[0] ?? 0);
    for (let index = at; index < bytes.length; index++) {
      const byte = bytes[index] as number;
      node ^= byte;
      const unit = units[node];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) break;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) found = { length: index + 1 - at, value: (units[node] ?? 0) & 0x7fffffff };
    }
    return found;
  }

  return (text) => {
    const bytes = new TextEncoder().encode(text);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const rule = longest(bytes, at);
      if (rule) {
        const end = replacements.indexOf(0, rule.value);
        parts.push(replacements.subarray(rule.value, end < 0 ? replacements.length : end));
        at += rule.length;
      } else {
        const first = bytes[at] as number;
        const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        parts.push(bytes.subarray(at, at + length));
        at += length;
      }
    }
    return Buffer.concat(parts).toString('utf8');
  };
}
