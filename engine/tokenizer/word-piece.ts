/**
 * BERT's WordPiece with a lower-case vocabulary, which GLM's English models of 2021 up to 515 M use. It keeps neither case
 * nor white space, so text does not come back as it was. Facts: tokenization_bert.py.
 */
import type { NamedTokenizer, SpecialTokens } from './tokenizer.ts';
import { noBytes, tableOf, tableTokenizer } from './vocabulary.ts';

const LONGEST_WORD = 100;
const CONTINUES = '##';
/** No space goes before these when tokens become text. */
const CLOSING = new Set([...'.,!?;:)]}\'"%']);

/** Chinese characters, each a word of its own. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/gu;

/** One entry a line, its id the line's number from 0. */
export function parseWordPieces(text: string, name: string): Map<string, number> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const ids = new Map(lines.map((line, id) => [line, id] as const));
  for (const needed of ['[UNK]', '[CLS]', '[MASK]']) {
    if (!ids.has(needed)) throw new Error(`The tokenizer ${name} lacks ${needed}: it is no vocabulary of BERT.`);
  }
  return ids;
}

export function wordPieceTokenizer(
  ids: ReadonlyMap<string, number>,
  special: SpecialTokens,
  named: ReadonlyMap<string, number>,
): NamedTokenizer {
  const unknown = ids.get('[UNK]') as number;
  const entries = [...ids].map(([entry, id]) => [id, /^\[.+\]$/.test(entry) ? noBytes : wordBytes(entry)] as const);
  return tableTokenizer({
    tokenBytes: tableOf(entries, named),
    special,
    named,
    encode: (text) => words(text).flatMap((word) => pieces(word, ids) ?? [unknown]),
  });
}

function wordBytes(entry: string): Uint8Array {
  const text = entry.startsWith(CONTINUES) ? entry.slice(CONTINUES.length) : CLOSING.has(entry) ? entry : ` ${entry}`;
  return new TextEncoder().encode(text);
}

function words(text: string): string[] {
  return text
    .replace(/[\0\ufffd]|(?![\t\n\r])\p{C}/gu, '')
    .replace(IDEOGRAPH, ' $& ')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replace(PUNCTUATION, ' $& ')
    .split(/[\s\p{Zs}]+/u)
    .filter((word) => word !== '');
}

/** The longest pieces from left to right; undefined when some part of the word has none. */
function pieces(word: string, ids: ReadonlyMap<string, number>): number[] | undefined {
  const characters = [...word];
  if (characters.length > LONGEST_WORD) return undefined;
  const found: number[] = [];
  for (let start = 0; start < characters.length; ) {
    let end = characters.length;
    let id: number | undefined;
    while (end > start && id === undefined) {
      id = ids.get((start > 0 ? CONTINUES : '') + characters.slice(start, end--).join(''));
    }
    if (id === undefined) return undefined;
    found.push(id);
    start = end + 1;
  }
  return found;
}
