/** Fields of SuperGLUE's JSON lines, checked: every error names the file, the line and the field. */
import { readRecords } from '../../evaluation/suites/records.ts';
import type { SuiteRecord } from '../../evaluation/suites/suite.ts';

/** An object within a record, with where it stands. */
export interface Place {
  value: Readonly<Record<string, unknown>>;
  where: string;
}

export async function recordsOf(file: string): Promise<Place[]> {
  return (await readRecords(file)).map(({ line, value }: SuiteRecord) => ({ value, where: `${file}, line ${line}` }));
}

export function textOf({ value, where }: Place, field: string): string {
  const found = value[field];
  if (typeof found !== 'string') throw wrong(where, field, 'a text', found);
  return found;
}

export function numberOf({ value, where }: Place, field: string): number {
  const found = value[field];
  if (typeof found !== 'number' || !Number.isInteger(found)) throw wrong(where, field, 'a whole number', found);
  return found;
}

export function objectOf({ value, where }: Place, field: string): Place {
  const found = value[field];
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw wrong(where, field, 'an object', found);
  return { value: found as Record<string, unknown>, where: `${where}, "${field}"` };
}

export function listOf({ value, where }: Place, field: string): Place[] {
  const found = value[field];
  if (!Array.isArray(found)) throw wrong(where, field, 'a list of objects', found);
  return found.map((entry, index) => {
    if (typeof entry !== 'object' || entry === null) throw wrong(where, `${field}[${index}]`, 'an object', entry);
    return { value: entry as Record<string, unknown>, where: `${where}, "${field}" ${index + 1}` };
  });
}

/** Index of the label among `labels`, whether the file writes it as a text, a number or true and false. */
export function labelOf({ value, where }: Place, labels: readonly string[]): number {
  const found = value.label;
  const index = labels.indexOf(String(found));
  if (found === undefined || index < 0) {
    throw wrong(where, 'label', `one of ${labels.join(', ')} (files without labels cannot be scored)`, found);
  }
  return index;
}

function wrong(where: string, field: string, expected: string, found: unknown): Error {
  const what = found === undefined ? 'is missing' : `is ${JSON.stringify(found).slice(0, 60)}`;
  return new Error(`${where}: the field "${field}" ${what}; it should be ${expected}.`);
}
