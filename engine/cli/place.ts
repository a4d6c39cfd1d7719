/** `FILE:LINE:COLUMN` as commands take it: the blank at a position of a file. */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Passage } from '../infill/fill.ts';

const LARGEST_FILE = 50 * 1024 * 1024;
const PLACE = /^(.+):(\d+):(\d+)$/;

export function isPlace(argument: string | undefined): argument is string {
  return argument !== undefined && PLACE.test(argument);
}

/** The file with a blank at the place; its path is relative to the current folder. Throws an error that names the file. */
export async function passageAt(place: string): Promise<Passage> {
  const [, file, line, column] = PLACE.exec(place) as unknown as [string, string, string, string];
  const text = await readSource(file);
  const offset = offsetOf(text, Number(line), Number(column), file);
  return {
    path: relative(process.cwd(), file).replaceAll('\\', '/'),
    languageId: '',
    before: text.slice(0, offset),
    after: text.slice(offset),
    forced: '',
    neighbours: [],
    kind: 'sentence',
  };
}

async function readSource(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length > LARGEST_FILE) {
    throw new Error(`${file} has ${Math.round(bytes.length / 2 ** 20)} MB; completion takes files up to 50 MB.`);
  }
  if (bytes.includes(0)) throw new Error(`${file} holds zero bytes: it is not a text file.`);
  return bytes.toString('utf8');
}

function offsetOf(text: string, line: number, column: number, file: string): number {
  let start = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf('\n', start);
    if (end === -1)
      throw new RangeError(`${file} has ${at} ${at === 1 ? 'line' : 'lines'}; line ${line} does not exist.`);
    start = end + 1;
  }
  const end = text.indexOf('\n', start);
  const length = (end === -1 ? text.length : end) - start;
  if (line < 1 || column < 1 || column > length + 1) {
    throw new RangeError(`Line ${line} of ${file} has columns 1 to ${length + 1}; column ${column} does not exist.`);
  }
  return start + column - 1;
}
