/** Files of suites: JSON, one object on each line, gzipped or not. */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { SuiteRecord } from './suite.ts';

/** Unpacked; the largest split of HumanEval-Infilling has about 10 MB. */
const LARGEST_FILE = 512 * 2 ** 20;

/** Throws an error that names the file, and the line where one is to blame. */
export async function readRecords(file: string): Promise<SuiteRecord[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new Error(`The suite's file ${file} cannot be read: ${(error as Error).message}`);
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: LARGEST_FILE });
    } catch (error) {
      throw new Error(`${file} begins like a gzip file but cannot be unpacked: ${(error as Error).message}`);
    }
  }
  const records: SuiteRecord[] = [];
  for (const [index, text] of bytes.toString('utf8').split('\n').entries()) {
    if (text.trim() !== '') records.push({ line: index + 1, value: parsed(text, `${file}, line ${index + 1}`) });
  }
  if (records.length === 0) throw new Error(`${file} has no tasks: it is empty.`);
  return records;
}

function parsed(text: string, place: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${place} is no JSON: ${(error as Error).message}. One object on each line is expected.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${place} is no JSON object.`);
  }
  return value as Record<string, unknown>;
}
