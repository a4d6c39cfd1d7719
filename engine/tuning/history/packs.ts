/**
 * Reads objects out of git's packs (git's Documentation/gitformat-pack): an index of version 2 is searched in its file, an
 * entry is unpacked by itself, with the entries that it is a difference to. Nothing in a pack is believed: sizes, offsets and
 * depths are bounded, and what does not fit is as if it were not there.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';

export const OBJECT_TYPES = ['commit', 'tree', 'blob', 'tag'] as const;
export type ObjectType = (typeof OBJECT_TYPES)[number];

export interface GitObject {
  type: ObjectType;
  data: Buffer;
}

/** Bytes of an object: larger ones are passed over. */
export const LARGEST_OBJECT = 4_000_000;
const MOST_PACKS = 64;
/** git itself makes chains of at most 50. */
const DEEPEST_CHAIN = 64;
const MAGIC = 0xff744f63;
const FANOUT = 8;
const NAMES = FANOUT + 256 * 4;
const ID_BYTES = 20;
/** Types 1 to 4 are `OBJECT_TYPES`. */
const OFFSET_DELTA = 6;
const NAMED_DELTA = 7;
/** Longest header of an entry: its size, and an offset or a name. */
const HEADER_BYTES = 32;

export interface Packs {
  /** Undefined where no pack has it, or has it whole. */
  read(id: string): GitObject | undefined;
  close(): void;
}

interface Pack {
  /** Open files, by their numbers. */
  index: number;
  entries: number;
  fanout: Buffer;
  bytes: number;
}

/** Reads at once: a search takes many short reads, which cost far more when each is waited for. */
export function openPacks(folder: string): Packs {
  const packs = indexesIn(folder).flatMap((name) => openPack(join(folder, name)) ?? []);
  return {
    read(id) {
      for (const pack of packs) {
        const offset = offsetOf(pack, id);
        const found = offset === undefined ? undefined : readEntry(pack, offset, 0);
        if (found) return found;
      }
      return undefined;
    },
    close() {
      for (const { index, entries } of packs) [index, entries].forEach(closeSync);
    },
  };
}

function indexesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.idx'));
    return names.sort().slice(0, MOST_PACKS);
  } catch {
    return [];
  }
}

function openPack(path: string): Pack | undefined {
  const files: number[] = [];
  try {
    for (const name of [path, path.replace(/\.idx$/, '.pack')]) files.push(openSync(name, 'r'));
    const [index, entries] = files as [number, number];
    const head = readAt(index, 0, NAMES);
    const known = head.length === NAMES && head.readUInt32BE(0) === MAGIC && head.readUInt32BE(4) === 2;
    if (known) return { index, entries, fanout: head.subarray(FANOUT), bytes: fstatSync(entries).size };
  } catch {
    // What cannot be opened is not there.
  }
  files.forEach(closeSync);
  return undefined;
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}

/** Where the entry of an object begins, by binary search among the names that begin with its first byte. */
function offsetOf({ index, fanout, bytes }: Pack, id: string): number | undefined {
  const wanted = Buffer.from(id, 'hex');
  const first = wanted[0] as number;
  const all = fanout.readUInt32BE(255 * 4);
  let [low, high] = [first === 0 ? 0 : fanout.readUInt32BE((first - 1) * 4), fanout.readUInt32BE(first * 4)];
  while (low < high) {
    // A damaged table may say any number of 32 bits.
    const middle = Math.floor((low + high) / 2);
    const order = wanted.compare(readAt(index, NAMES + middle * ID_BYTES, ID_BYTES));
    if (order === 0) {
      const short = readAt(index, NAMES + all * (ID_BYTES + 4) + middle * 4, 4);
      if (short.length < 4) return undefined;
      const offset = short.readUInt32BE(0);
      if (offset < 0x8000_0000) return offset < bytes ? offset : undefined;
      // The rest is an index among offsets of eight bytes.
      const long = readAt(index, NAMES + all * (ID_BYTES + 8) + (offset - 0x8000_0000) * 8, 8);
      const whole = long.length < 8 ? Number.POSITIVE_INFINITY : Number(long.readBigUInt64BE(0));
      return whole < bytes ? whole : undefined;
    }
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return undefined;
}

function readEntry(pack: Pack, offset: number, depth: number): GitObject | undefined {
  if (depth > DEEPEST_CHAIN) return undefined;
  const head = readAt(pack.entries, offset, HEADER_BYTES);
  let at = 0;
  const next = () => head[at++] ?? 0;
  let byte = next();
  const kind = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; byte & 0x80 && at < 8; scale *= 128) {
    byte = next();
    size += (byte & 0x7f) * scale;
  }
  if (size > LARGEST_OBJECT) return undefined;
  if (kind === OFFSET_DELTA) {
    byte = next();
    let back = byte & 0x7f;
    while (byte & 0x80 && at < HEADER_BYTES) {
      byte = next();
      back = (back + 1) * 128 + (byte & 0x7f);
    }
    if (back <= 0 || back > offset) return undefined;
    const base = readEntry(pack, offset - back, depth + 1);
    return patched(base, unpacked(pack.entries, offset + at, size));
  }
  if (kind === NAMED_DELTA) {
    const place = offsetOf(pack, head.toString('hex', at, at + ID_BYTES));
    const base = place === undefined || place === offset ? undefined : readEntry(pack, place, depth + 1);
    return patched(base, unpacked(pack.entries, offset + at + ID_BYTES, size));
  }
  const type = OBJECT_TYPES[kind - 1];
  const data = type && unpacked(pack.entries, offset + at, size);
  return type && data ? { type, data } : undefined;
}

/** The `size` bytes whose compressed form begins at `position`. */
function unpacked(file: number, position: number, size: number): Buffer | undefined {
  // What cannot be compressed grows by five bytes for each block, of 16 kB at least.
  return inflated(readAt(file, position, size + (size >> 8) + 128), size);
}

/** Undefined where it is damaged, too large, or has another size than is said. What comes after its end is not looked at. */
export function inflated(compressed: Buffer, size?: number): Buffer | undefined {
  try {
    const data = inflateSync(compressed, { maxOutputLength: Math.max(1, size ?? LARGEST_OBJECT) });
    return size === undefined || data.length === size ? data : undefined;
  } catch {
    return undefined;
  }
}

function patched(base: GitObject | undefined, delta: Buffer | undefined): GitObject | undefined {
  const data = base && delta && applyDelta(base.data, delta);
  return base && data ? { type: base.type, data } : undefined;
}

/** What a delta makes of its base; undefined where it does not belong to it or leaves its bounds. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer | undefined {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; at < delta.length; scale *= 128) {
      const byte = delta[at++] as number;
      value += (byte & 0x7f) * scale;
      if (!(byte & 0x80)) break;
    }
    return value;
  };
  const [from, to] = [varint(), varint()];
  if (from !== base.length || to > LARGEST_OBJECT) return undefined;
  const out = Buffer.alloc(to);
  let filled = 0;
  while (at < delta.length) {
    const command = delta[at++] as number;
    if (command & 0x80) {
      let [offset, length] = [0, 0];
      for (let i = 0; i < 4; i++) if (command & (1 << i)) offset += (delta[at++] ?? 0) * 256 ** i;
      for (let i = 0; i < 3; i++) if (command & (16 << i)) length += (delta[at++] ?? 0) * 256 ** i;
      if (length === 0) length = 0x10000;
      if (offset + length > base.length || filled + length > to) return undefined;
      filled += base.copy(out, filled, offset, offset + length);
    } else {
      if (command === 0 || at + command > delta.length || filled + command > to) return undefined;
      filled += delta.copy(out, filled, at, at + command);
      at += command;
    }
  }
  return filled === to ? out : undefined;
}
