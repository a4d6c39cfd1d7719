/**
 * The rows of a matrix in pieces, read ahead while those before them are worked on, into buffers that are used again:
 * the system would clear and map a fresh one for each piece, which takes as long as reading it.
 */

import { LARGE } from '../checkpoint/direct-handle.ts';
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

/** Where pieces go, in turn. */
export interface PieceSpaces {
  next(length: number): Uint8Array<ArrayBuffer>;
}

/** Pieces that are being read while one is worked on and the one before it may still be. */
const AHEAD = 2;

type Make = (length: number) => Uint8Array<ArrayBuffer>;

/** Of `largest` bytes and more. */
export function pieceSpaces(largest: number, make: Make = (length) => new Uint8Array(length)): PieceSpaces {
  const spaces: Uint8Array<ArrayBuffer>[] = [];
  let turn = 0;
  return {
    next(length) {
      turn = (turn + 1) % (AHEAD + 2);
      const held = spaces[turn];
      if (held && held.length >= length + BESIDE_PIECE) return held;
      const made = make(Math.max(length, largest) + BESIDE_PIECE);
      spaces[turn] = made;
      return made;
    },
  };
}

type Matrix = Pick<StoredTensor, 'name' | 'sources' | 'shape' | 'format'>;

export interface MatrixReader {
  /**
   * The pieces of one of the matrices, ROWS_TOGETHER rows or a multiple of it each. Undefined where it is none, or where its
   * parts do not divide so: then `readStored` reads it whole.
   */
  pieces(name: string): AsyncGenerator<Piece, void, undefined> | undefined;
  /** To be awaited before the file is closed. */
  close(): Promise<void>;
}

interface Plan {
  /** The matrix, and where its rows lie. */
  of: string;
  source: string;
  columns: number;
  format: QuantFormat | undefined;
  row: number;
  from: number;
  to: number;
  /** Bytes of a row. */
  width: number;
}

/** Reads ahead through matrices that are asked for in the order given, in pieces of about `largest` bytes. */
export function readMatrices(file: TensorFile, matrices: readonly Matrix[], largest: number): MatrixReader {
  const plans = matrices.flatMap((matrix) => plansOf(file, matrix, largest));
  const inPieces = new Set(plans.map(({ of }) => of));
  // Memory in huge pages is made in 2 MB at once: that of a small model would be the most of its load.
  const bytes = plans.reduce((sum, { from, to, width }) => sum + (to - from) * width, 0);
  const spaces = bytes < LARGE ? pieceSpaces(largest) : pieceSpaces(largest, loadAddon().alignedBytes);
  const coming: Promise<Piece>[] = [];
  let [started, given] = [0, 0];
  const start = () => {
    const plan = plans[started];
    if (!plan) return;
    started++;
    const piece = readPiece(file, plan, spaces.next((plan.to - plan.from) * plan.width));
    // Whoever waits for it hears of a failure; nobody does when the work on a piece before it has failed.
    piece.catch(() => undefined);
    coming.push(piece);
  };
  async function* pieces(name: string): AsyncGenerator<Piece, void, undefined> {
    if (plans[given]?.of !== name) throw new Error(`${file.path}: ${name} is asked for out of turn.`);
    while (started < given + AHEAD && started < plans.length) start();
    while (plans[given]?.of === name) {
      const piece = await (coming.shift() as Promise<Piece>);
      given++;
      start();
      yield piece;
    }
  }
  return {
    pieces: (name) => (inPieces.has(name) ? pieces(name) : undefined),
    async close() {
      await Promise.allSettled(coming);
    },
  };
}

function plansOf(file: TensorFile, { name, sources, shape, format }: Matrix, largest: number): Plan[] {
  const parts = sources.map((source) => file.tensors.get(source) as StoredInfo);
  const divides = parts.every(({ shape: [rows = 0] }, at) => at === parts.length - 1 || rows % ROWS_TOGETHER === 0);
  if (shape.length !== 2 || !divides) return [];
  const columns = shape[1] as number;
  const plans: Plan[] = [];
  let first = 0;
  for (const { name: source, dtype, shape: own } of parts) {
    const [rows = 0] = own;
    const width = format ? rowBytes(columns, format) : columns * DTYPE_BYTES[dtype];
    const step = Math.max(1, Math.floor(largest / width / ROWS_TOGETHER)) * ROWS_TOGETHER;
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(from + step, rows);
      plans.push({ of: name, source, columns, format, row: first + from, from, to, width });
    }
    first += rows;
  }
  return plans;
}

async function readPiece(
  file: TensorFile,
  { source, columns, format, row, from, to, width }: Plan,
  space: Uint8Array<ArrayBuffer>,
): Promise<Piece> {
  const data = await file.read(source, { begin: from * width, end: to * width }, space);
  const piece = { row, rows: to - from, data };
  if (!format) return piece;
  return { ...piece, scales: await readScales(file, [source], { from, to, groups: groupsOf(columns, format) }) };
}
