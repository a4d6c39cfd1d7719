/** What the suites are measured on: files in the benchmarks' formats, or documents of our own that were held out. */
import { readFile } from 'node:fs/promises';
import { createRandom } from '../../objective/random.ts';
import type { Documents } from '../documents.ts';
import { readRecords } from '../suites/records.ts';
import type { EvaluatedText } from './bits-per-byte.ts';
import type { LastWordTask } from './last-word.ts';

const TEXT_PATH = 'text.txt';

/** LAMBADA: `{"text"}` (GLM 2021) or `{"inputs_pretokenized", "targets_pretokenized"}` (GLM-130B) a line. */
export async function readLastWords(file: string): Promise<LastWordTask[]> {
  return (await readRecords(file)).map(({ line, value }) => {
    const { text, inputs_pretokenized: inputs, targets_pretokenized: targets } = value;
    const target = Array.isArray(targets) ? targets[0] : targets;
    const whole =
      typeof inputs === 'string' && typeof target === 'string' ? `${inputs.trimEnd()} ${target.trim()}` : text;
    const parts = typeof whole === 'string' ? splitLastWord(whole) : undefined;
    if (!parts) {
      throw new Error(
        `${file}, line ${line}: a passage of LAMBADA is {"text": …} with two words or more, or {"inputs_pretokenized": …, "targets_pretokenized": …}.`,
      );
    }
    return { id: String(line), group: 'LAMBADA', path: TEXT_PATH, ...parts };
  });
}

/** As GLM 2021 cuts it (tasks/language_model/dataset.py): at the last white space. */
export function splitLastWord(text: string): { context: string; word: string } | undefined {
  const found = /^(.*\S)\s+(\S+)\s*$/su.exec(text);
  return found ? { context: found[1] as string, word: found[2] as string } : undefined;
}

/** The Pile: `{"text", "meta": {"pile_set_name"}}` a line; GLM-130B's files have the text as `text_pretokenized`. */
export async function readPile(file: string): Promise<EvaluatedText[]> {
  return (await readRecords(file)).flatMap(({ line, value }) => {
    const text = value.text_pretokenized ?? value.text;
    if (typeof text !== 'string') throw new Error(`${file}, line ${line}: the field "text" is no text.`);
    const name = (value.meta as { pile_set_name?: unknown } | undefined)?.pile_set_name;
    return text === '' ? [] : [{ group: typeof name === 'string' ? name : 'all', path: TEXT_PATH, text }];
  });
}

/** WikiText: the whole file is one text; words are what spaces divide in it as it is. */
export async function readWikitext(file: string): Promise<EvaluatedText[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`The suite's file ${file} cannot be read: ${(error as Error).message}`);
  }
  const words = text.trim().split(' ').length;
  if (words < 2) throw new Error(`${file} has no text.`);
  return [{ group: 'WikiText', path: TEXT_PATH, text: detokenized(text), words }];
}

/** WikiText's tokens as running text; the rules are those of GLM 2021 (tasks/language_model/detokenizer.py). */
export function detokenized(text: string): string {
  return text
    .replaceAll("s '", "s'")
    .replace(/ @([-,.])@ /g, '$1')
    .replace(/ ([:;.!?,]) /g, '$1 ')
    .replace(/\(\s*([^)]*?)\s*\)/g, '($1)')
    .replace(/\[\s*([^\]]*?)\s*\]/g, '[$1]')
    .replace(/\{\s*([^}]*?)\s*\}/g, '{$1}')
    .replace(/"\s*([^"]*?)\s*"/g, '"$1"')
    .replace(/'\s*([^']*?)\s*'/g, "'$1'")
    .replace(/= (= )+=/g, (run) => run.replaceAll(' ', ''))
    .replaceAll('= =', '==')
    .replaceAll(' ° ', '°')
    .replaceAll(' \n', '\n')
    .replaceAll('\n ', '\n')
    .replaceAll(' N ', ' 1 ')
    .replaceAll(" 's", "'s");
}

/** Documents drawn with a seed, by language. */
export function drawTexts(documents: Documents, count: number, seed: number): EvaluatedText[] {
  const random = createRandom(seed);
  const order = random.shuffle(Array.from({ length: documents.count }, (_, index) => index));
  return order.slice(0, count).map((index) => {
    const { path, language } = documents.origin(index);
    return { group: language, path, text: documents.text(index) };
  });
}

/** Characters before a word: a screen or two. */
const CONTEXT = 2000;

/** Beginnings of documents that end in a word of three letters or more, which occurs before: as LAMBADA's mostly do. */
export function drawLastWords(documents: Documents, count: number, seed: number): LastWordTask[] {
  const random = createRandom(seed);
  const order = random.shuffle(Array.from({ length: documents.count }, (_, index) => index));
  const tasks: LastWordTask[] = [];
  for (const index of order) {
    if (tasks.length === count) break;
    const { path, language } = documents.origin(index);
    const text = documents.text(index);
    const places = [...text.matchAll(/(?<=[^\S\n])[A-Za-z_]\w{2,}(?!\w)/g)].filter(
      (match) => match.index > CONTEXT / 2,
    );
    const place = places[random.below(Math.max(1, places.length))];
    if (!place) continue;
    const context = text.slice(Math.max(0, place.index - CONTEXT), place.index - 1);
    if (!context.includes(place[0])) continue;
    tasks.push({ id: `${path}:${place.index}`, group: language, path, context, word: place[0] });
  }
  return tasks;
}
