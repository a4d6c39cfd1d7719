/**
 * The rows of a matrix in pieces, read ahead while those before them are worked on, into buffers that are used again:
 * the system would clear and map a fresh one for each piece, which takes as long as reading it.
 */

import { BESIDE_PIECE } from '../checkpoint/piece-reader.ts';
import type { QuantFormat } from '../checkpoint/quantization.ts';
import { groupsOf, rowBytes } from '../checkpoint/quantization.ts';
import { DTYPE_BYTES } from '../checkpoint/safetensors-header.ts';
import type { StoredInfo, TensorFile } from '../checkpoint/tensor-file.ts';
import { loadAddon, ROWS_TOGETHER } from '../native.ts';
import { readScales, type StoredTensor } from './stored-tensors.ts';

export interface Piece {
  /** The first of the rows, and their number. */
  row: number;
  rows: number;
  /** Stays as it is until the piece after the next is asked for. */
  data: Uint8Array<ArrayBuffer>;
  /** Of a quantised matrix, in float16, [rows, groups]. */
  scales?: Uint16Array;
}

/** Where pieces are read into, in turn. */
export interface PieceSpaces {
  /** Bytes that a piece should have. */
  largest: number;
  next(length: number): Uint8Array<ArrayBuffer>;
}

/** Pieces that are being read while one is worked on and the one before it may still be. */
const AHEAD = 2;

export function pieceSpaces(largest: number): PieceSpaces {
  const spaces: Uint8Array<ArrayBuffer>[] = [];
  let turn = 0;
  return {
    largest,
    next(length) {
      turn = (turn + 1) % (AHEAD + 2);
      const held = spaces[turn];
      if (held && held.length >= length + BESIDE_PIECE) return held;
      const made = loadAddon().alignedBytes(Math.max(length, largest) + BESIDE_PIECE);
      spaces[turn] = made;
      return made;
    },
  };
}

/**
 * ROWS_TOGETHER rows or a multiple of it at a time, of about as many bytes as `spaces` says. Undefined where the parts of
 * the matrix do not divide so: then `readStored` reads it whole.
 */
export function piecesOf(
  file: TensorFile,
  { sources, shape, format }: Pick<StoredTensor, 'sources' | 'shape' | 'format'>,
  spaces: PieceSpaces,
): AsyncGenerator<Piece, void, undefined> | undefined {
  const parts = sources.map((name) => file.tensors.get(name) as StoredInfo);
  const divides = parts.every(({ shape: [rows = 0] }, at) => at === parts.length - 1 || rows % ROWS_TOGETHER === 0);
  if (shape.length !== 2 || !divides) return undefined;
  return readPieces(file, parts, shape[1] as number, format, spaces);
}

async function* readPieces(
  file: TensorFile,
  parts: readonly StoredInfo[],
  columns: number,
  format: QuantFormat | undefined,
  spaces: PieceSpaces,
): AsyncGenerator<Piece, void, undefined> {
  const plans: { name: string; row: number; from: number; to: number; width: number }[] = [];
  let first = 0;
  for (const { name, dtype, shape } of parts) {
    const [rows = 0] = shape;
    const width = format ? rowBytes(columns, format) : columns * DTYPE_BYTES[dtype];
    const step = Math.max(1, Math.floor(spaces.largest / width / ROWS_TOGETHER)) * ROWS_TOGETHER;
    for (let from = 0; from < rows; from += step)
      plans.push({ name, row: first + from, from, to: Math.min(from + step, rows), width });
    first += rows;
  }
  const coming: Promise<Piece>[] = [];
  const start = (at: number) => {
    const plan = plans[at];
    if (!plan) return;
    const space = spaces.next((plan.to - plan.from) * plan.width);
    const piece = readPiece(file, plan, columns, format, space);
    // Whoever waits for it hears of a failure; nobody does when the work on a piece before it has failed.
    piece.catch(() => undefined);
    coming.push(piece);
  };
  for (let at = 0; at < AHEAD; at++) start(at);
  try {
    for (let at = 0; at < plans.length; at++) {
      const piece = await (coming.shift() as Promise<Piece>);
      start(at + AHEAD);
      yield piece;
    }
  } finally {
    // The file may be closed now.
    await Promise.allSettled(coming);
  }
}

async function readPiece(
  file: TensorFile,
  { name, row, from, to, width }: { name: string; row: number; from: number; to: number; width: number },
  columns: number,
  format: QuantFormat | undefined,
  space: Uint8Array<ArrayBuffer>,
): Promise<Piece> {
  const data = await file.read(name, { begin: from * width, end: to * width }, space);
  const piece = { row, rows: to - from, data };
  if (!format) return piece;
  return { ...piece, scales: await readScales(file, [name], { from, to, groups: groupsOf(columns, format) }) };
}
