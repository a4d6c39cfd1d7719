/**
 * A task of one's own: pattern-verbalizer pairs in a JSON file, and examples as JSON lines. An example's texts are its
 * fields; `label` is one of the task's labels or, beside `candidates`, the index of the right one (0 is the first).
 */
import { readFile } from 'node:fs/promises';
import type { Example, Metric, PatternVerbalizer, Task } from './example.ts';
import { fieldsOf, LABEL, parsePattern, withLabel } from './pattern.ts';
import { type Place, recordsOf } from './superglue/records.ts';

const MASKS = ['token', 'sentence', 'document'] as const;

/** Throws an error that names the file and what in it is wrong. */
export async function readTaskFile(path: string): Promise<Task> {
  let root: unknown;
  try {
    root = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Error(`The task ${path} cannot be read: ${(error as Error).message}`);
  }
  return parseTask(root, path);
}

export function parseTask(root: unknown, path: string): Task {
  const fail = (what: string) => new Error(`${path}: ${what}`);
  if (typeof root !== 'object' || root === null) throw fail('a task is a JSON object with "patterns".');
  const { name = 'task', labels = [], patterns, plain } = root as Record<string, unknown>;
  if (typeof name !== 'string') throw fail('"name" must be a text.');
  if (!isTexts(labels) || new Set(labels).size !== labels.length || labels.length === 1) {
    throw fail('"labels" must be a list of two or more different texts, or absent where examples bring candidates.');
  }
  if (!Array.isArray(patterns) || patterns.length === 0)
    throw fail('"patterns" must be a list of at least one pattern.');
  const parsed = patterns.map((own, index) => parseVerbalizer(own, labels, `${path}, pattern ${index}`));
  const fields = [...new Set(askedFields(parsed[0] as PatternVerbalizer, `${path}, pattern 0`))].map(
    (field) => `{${field}~}`,
  );
  const own = plain ?? [[...fields, ...(labels.length === 0 ? ['{candidate}'] : [])].join('\n')];
  if (!isTexts(own)) throw fail('"plain" must be a list of one or two texts.');
  parsePattern(own, `${path}, "plain"`, 0);
  const metrics: Metric[] = labels.length > 0 ? ['accuracy', 'macro-f1'] : ['accuracy'];
  return { name, labels, metrics, patterns: parsed, plain: own };
}

function parseVerbalizer(own: unknown, labels: readonly string[], where: string): PatternVerbalizer {
  const { text, verbalizers, written, mask = 'token', lengthPenalty = 0 } = (own ?? {}) as Record<string, unknown>;
  if (!isTexts(text))
    throw new Error(`${where}: "text" must be a list of one or two texts with {fields} and one {mask}.`);
  if (written !== undefined && (typeof written !== 'string' || labels.length === 0 || !text.join('').includes(LABEL))) {
    throw new Error(`${where}: "written" names a field, and takes a task with labels and ${LABEL} in "text".`);
  }
  const kind = MASKS.find((known) => known === mask);
  if (!kind) throw new Error(`${where}: "mask" must be one of ${MASKS.join(', ')}, not ${JSON.stringify(mask)}.`);
  if (typeof lengthPenalty !== 'number' || !(lengthPenalty >= 0)) {
    throw new Error(`${where}: "lengthPenalty" must be a number of at least 0, not ${JSON.stringify(lengthPenalty)}.`);
  }
  if (labels.length === 0) {
    parsePattern(text, where, 1);
    return { text, mask: kind, lengthPenalty };
  }
  const spoken = (verbalizers ?? {}) as Record<string, unknown>;
  const checked: Record<string, string> = {};
  for (const label of labels) {
    const verbalizer = spoken[label];
    if (typeof verbalizer !== 'string' || verbalizer === '') {
      throw new Error(`${where}: "verbalizers" must have a text for the label ${JSON.stringify(label)}.`);
    }
    checked[label] = verbalizer;
  }
  const checkedOnes = { text, verbalizers: checked, ...(written === undefined ? {} : { written }) };
  askedFields(checkedOnes, where);
  return { ...checkedOnes, mask: kind, lengthPenalty };
}

/** Throws where the text, with any label's verbalizer in it, is no pattern. */
function askedFields({ text, verbalizers = {}, written }: PatternVerbalizer, where: string): string[] {
  if (written === undefined) return fieldsOf(parsePattern(text, where, 1));
  return [
    ...Object.values(verbalizers).flatMap((own) => fieldsOf(parsePattern(withLabel(text, own), where, 1))),
    written,
  ];
}

/** Throws an error that names the file, the line and the field. */
export async function readExamples(task: Task, file: string): Promise<Example[]> {
  return (await recordsOf(file)).map((record, index) => exampleOf(task, record, index));
}

function exampleOf({ labels }: Task, { value, where }: Place, index: number): Example {
  const { label, candidates, id = String(index + 1), ...rest } = value;
  const fields: Record<string, string> = {};
  for (const [name, text] of Object.entries(rest)) {
    if (typeof text !== 'string') throw new Error(`${where}: the field "${name}" must be a text.`);
    fields[name] = text;
  }
  if (labels.length > 0) {
    const answer = labels.indexOf(String(label));
    if (answer < 0) throw new Error(`${where}: the label ${JSON.stringify(label)} is none of ${labels.join(', ')}.`);
    return { id: String(id), fields, answer };
  }
  if (!isTexts(candidates) || candidates.length < 2) {
    throw new Error(`${where}: "candidates" must be a list of two or more texts, as the task has no labels.`);
  }
  if (typeof label !== 'number' || candidates[label] === undefined) {
    throw new Error(`${where}: "label" must be the index of a candidate, 0 to ${candidates.length - 1}.`);
  }
  return { id: String(id), fields, candidates, answer: label };
}

/** Pairs of texts, `{"source": …, "target": …}` a line. */
export async function readPairs(file: string): Promise<Example[]> {
  return (await recordsOf(file)).map(({ value, where }, index) => {
    const { source, target } = value;
    if (typeof source !== 'string' || typeof target !== 'string') {
      throw new Error(`${where}: a pair has the texts "source" and "target".`);
    }
    return { id: String(index + 1), fields: { source }, candidates: [target], answer: 0 };
  });
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
