/** A SentencePiece `.model` file: pieces, kind of model, normalization. Facts: sentencepiece_model.proto. */
import { protobufBytes, protobufFields, protobufFloat, protobufNumber } from './protobuf.ts';

export type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'unused' | 'byte';

export interface Piece {
  text: string;
  score: number;
  type: PieceType;
}

export interface SentencePieceModel {
  pieces: Piece[];
  kind: 'unigram' | 'bpe';
  byteFallback: boolean;
  unknown: number;
  /** Darts trie and replacements, as SentencePiece compiles its rules; empty for none. */
  charsMap: Uint8Array<ArrayBuffer>;
  /** A space is put before the text. */
  dummyPrefix: boolean;
  /** White space at both ends is dropped and runs of it become one space. */
  trimsSpaces: boolean;
}

const TYPES: Readonly<Record<number, PieceType>> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'user-defined',
  5: 'unused',
  6: 'byte',
};
/** Beyond what released models have: the longest piece, all pieces together (characters), pieces that users defined. */
const LONGEST_PIECE = 512;
const MOST_CHARACTERS = 8 << 20;
const MOST_DEFINED = 2000;

const KINDS: Readonly<Record<number, SentencePieceModel['kind']>> = { 1: 'unigram', 2: 'bpe' };

/** `name` stands for the file in errors. */
export function parseSentencePiece(bytes: Uint8Array<ArrayBuffer>, name: string): SentencePieceModel {
  const fault = (what: string): Error =>
    new Error(`The tokenizer ${name} is no SentencePiece model that can be used: ${what}.`);
  const model: SentencePieceModel = {
    pieces: [],
    kind: 'unigram',
    byteFallback: false,
    unknown: 0,
    charsMap: new Uint8Array(),
    dummyPrefix: true,
    trimsSpaces: true,
  };
  let kind = 1;
  let suffix = false;
  try {
    for (const field of protobufFields(bytes)) {
      if (field.number === 1) model.pieces.push(parsePiece(protobufBytes(field.value)));
      else if (field.number === 2) {
        for (const { number, value } of protobufFields(protobufBytes(field.value))) {
          if (number === 3) kind = protobufNumber(value);
          else if (number === 24) suffix = protobufNumber(value) !== 0;
          else if (number === 35) model.byteFallback = protobufNumber(value) !== 0;
        }
      } else if (field.number === 3) {
        for (const { number, value } of protobufFields(protobufBytes(field.value))) {
          if (number === 2) model.charsMap = protobufBytes(value);
          else if (number === 3) model.dummyPrefix = protobufNumber(value) !== 0;
          else if (number === 4) model.trimsSpaces = protobufNumber(value) !== 0;
        }
      }
    }
  } catch (error) {
    throw fault((error as Error).message);
  }
  if (model.pieces.length === 0) throw fault('it has no pieces');
  const characters = model.pieces.reduce((sum, { text }) => sum + text.length, 0);
  const defined = model.pieces.filter(({ type }) => type === 'user-defined').length;
  if (characters > MOST_CHARACTERS || defined > MOST_DEFINED)
    throw fault(`its pieces have ${characters} characters and ${defined} of them are user-defined, which is too many`);
  const known = KINDS[kind];
  if (known === undefined || suffix)
    throw fault(
      `its kind ${kind}${suffix ? ' with spaces at the end of words' : ''} is not supported, only unigram and BPE`,
    );
  model.kind = known;
  model.unknown = model.pieces.findIndex(({ type }) => type === 'unknown');
  if (model.unknown < 0) throw fault('it has no piece for what is unknown');
  if (model.byteFallback) {
    const single = new Set(model.pieces.filter(({ type }) => type === 'byte').map(({ text }) => text));
    if (single.size !== 256) throw fault(`it has a piece for ${single.size} of the 256 bytes`);
  }
  return model;
}

function parsePiece(bytes: Uint8Array<ArrayBuffer>): Piece {
  const piece: Piece = { text: '', score: 0, type: 'normal' };
  for (const { number, value } of protobufFields(bytes)) {
    if (number === 1) piece.text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(protobufBytes(value));
    else if (number === 2) piece.score = protobufFloat(value);
    else if (number === 3) {
      const type = TYPES[protobufNumber(value)];
      if (type === undefined) throw new Error(`a piece has the unknown type ${value}`);
      piece.type = type;
    }
  }
  if (piece.text.length > LONGEST_PIECE) throw new Error(`a piece has ${piece.text.length} characters`);
  if (!Number.isFinite(piece.score)) throw new Error(`piece ${JSON.stringify(piece.text)} has no finite score`);
  if (piece.type === 'byte' && !/^<0x[0-9A-F]{2}>$/.test(piece.text))
    throw new Error(`${JSON.stringify(piece.text)} is no byte`);
  return piece;
}
