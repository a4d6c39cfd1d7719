/** Tokenizers on SentencePiece models. Pieces that name control tokens are never found in text. */
import { entryBytes, iceStretches } from './ice-spaces.ts';
import type { SentencePieceModel } from './sentencepiece-model.ts';
import { SPACE, sentencePieceNormalizer } from './sentencepiece-normalizer.ts';
import { type Found, sentencePieceSearch } from './sentencepiece-search.ts';
import type { NamedTokenizer, SpecialTokens } from './tokenizer.ts';
import { tableOf, tableTokenizer } from './vocabulary.ts';

export interface SentencePieceLayout {
  /** Id of the model's first piece (20000 where image tokens come first). */
  offset: number;
  /**
   * `symbols`: line breaks, tabs and runs of spaces are pieces of their own, as GLM-130B and ChatGLM-6B write them;
   * `plain`: they are text like any other.
   */
  spaces: 'symbols' | 'plain';
  special: SpecialTokens;
  /** Special tokens by their text. */
  named: ReadonlyMap<string, number>;
}

/** Shaped as the family's control tokens are. */
const CONTROL = /^(<\|.*\|>|<[a-z]+>|\[[A-Za-z]+\])$/;

export function sentencePieceTokenizer(model: SentencePieceModel, layout: SentencePieceLayout): NamedTokenizer {
  const { offset, spaces, special, named } = layout;
  const normalize = sentencePieceNormalizer(model);
  const search = sentencePieceSearch(model, (piece) => spaces === 'plain' && !named.has(piece) && !CONTROL.test(piece));
  const symbols = new Map(model.pieces.map(({ text }, id) => [text, id] as const));
  const bytePieces = model.byteFallback ? bytePiecesOf(model) : undefined;

  function append(ids: number[], found: readonly Found[]): void {
    let wasUnknown = false;
    for (const { text, id } of found) {
      const unknown = id === model.unknown;
      if (unknown && bytePieces) {
        for (const byte of new TextEncoder().encode(text)) ids.push(offset + (bytePieces[byte] as number));
      } else if (!(unknown && wasUnknown)) ids.push(offset + id);
      wasUnknown = unknown;
    }
  }

  function encode(text: string, dummyPrefix: boolean): number[] {
    const ids: number[] = [];
    if (spaces === 'plain') {
      append(ids, search(normalize(text, { dummyPrefix })));
      return ids;
    }
    let first = dummyPrefix && text !== '';
    for (const stretch of iceStretches(text, symbols)) {
      if (first && typeof stretch === 'number') append(ids, search(SPACE));
      if (typeof stretch === 'number') ids.push(offset + stretch);
      else append(ids, search(normalize(stretch, { dummyPrefix: first })));
      first = false;
    }
    return ids;
  }

  const entries = model.pieces.map((piece, id) => [offset + id, entryBytes(piece, spaces)] as const);
  const tokenBytes = tableOf(entries, named);
  return tableTokenizer({
    tokenBytes,
    special,
    named,
    encode: (text) => encode(text, false),
    encodeStart: (text) => encode(text, model.dummyPrefix),
    ...(bytePieces ? { byteTokens: bytePieces.map((id) => offset + id) } : {}),
  });
}

function bytePiecesOf({ pieces }: SentencePieceModel): number[] {
  const ids: number[] = [];
  for (const [id, { text, type }] of pieces.entries())
    if (type === 'byte') ids[Number.parseInt(text.slice(3, 5), 16)] = id;
  return ids;
}
