/**
 * A project's memory in a model folder: `memory.json` with the files, the gate and what it belongs to, and `memory.order`,
 * the order of places as 32-bit numbers, lowest byte first. Both are read as hostile input.
 */
import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { MEMORY_GATE_INPUTS } from './cache-gate.ts';
import { joinFiles, type TunedMemory } from './project-memory.ts';

interface StoredMemory {
  format: 'cloze-memory';
  version: 1;
  /** SHA-256 of the tokenizer that the gate was fitted with. */
  tokenizer: string;
  /** SHA-256 of memory.order. */
  order: string;
  gate: readonly number[];
  files: readonly { path: string; text: string }[];
}

const NAMES = { description: 'memory.json', order: 'memory.order' };

export async function writeMemory(
  folder: string,
  { files, text, order, gate }: TunedMemory,
  tokenizer: string,
): Promise<void> {
  const bytes = orderBytes(order);
  const stored: StoredMemory = {
    format: 'cloze-memory',
    version: 1,
    tokenizer,
    order: sha256(bytes),
    gate,
    files: files.map(({ path, start }, index) => ({
      path,
      text: text.slice(start, (files[index + 1]?.start ?? text.length) - 1),
    })),
  };
  await writeFileAtomically(join(folder, NAMES.order), bytes);
  await writeFileAtomically(join(folder, NAMES.description), `${JSON.stringify(stored)}\n`);
}

/** The memory in a model folder, undefined where there is none. Throws an error that names the file and what to do. */
export async function readMemory(folder: string, tokenizer: string): Promise<TunedMemory | undefined> {
  const path = join(folder, NAMES.description);
  if (!(await exists(path))) return undefined;
  const damaged = (what: string) => new Error(`${path} ${what}. Tune again, or remove the file to do without it.`);
  let stored: Partial<StoredMemory>;
  try {
    stored = Object(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw damaged(`cannot be read (${(error as Error).message})`);
  }
  const { files, gate } = stored;
  if (stored.format !== 'cloze-memory' || stored.version !== 1) throw damaged('is no memory that this version knows');
  if (stored.tokenizer !== tokenizer) throw damaged('belongs to a model with another tokenizer');
  if (!Array.isArray(gate) || gate.length !== MEMORY_GATE_INPUTS || !gate.every(Number.isFinite)) {
    throw damaged(`has no gate of ${MEMORY_GATE_INPUTS} numbers`);
  }
  if (!Array.isArray(files) || !files.every(isFile)) throw damaged('has no list of files with their texts');
  const joined = joinFiles(files);
  const bytes = await readFile(join(folder, NAMES.order)).catch((error: Error) => {
    throw damaged(`has no ${NAMES.order} beside it (${error.message})`);
  });
  if (sha256(bytes) !== stored.order) throw damaged(`and ${NAMES.order} do not belong together`);
  const order = orderFrom(bytes);
  if (!order.every((at) => at > 0 && at < joined.text.length)) throw damaged(`has places beyond its text`);
  return { ...joined, order, gate };
}

function isFile(value: unknown): value is { path: string; text: string } {
  const { path, text } = Object(value);
  return typeof path === 'string' && typeof text === 'string';
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function orderBytes(order: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(order.byteLength));
  order.forEach((at, index) => {
    view.setUint32(4 * index, at, true);
  });
  return new Uint8Array(view.buffer);
}

function orderFrom(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.byteLength >> 2 }, (_, index) => view.getUint32(4 * index, true));
}
