/** What is typed again: stretches of whole lines from documents that the model has not seen, drawn by a seed. */
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { type DocumentOrigin, packedDocuments } from '../../../engine/evaluation/documents.ts';
import { createRandom, type Random } from '../../../engine/objective/random.ts';
import { loadTokenizer } from '../../../engine/tokenizer/load.ts';
import { openPackedCorpus } from '../../../engine/training/corpus/packed-corpus.ts';

/** `middle`: the rest of the document stands below; `end`: nothing does, as in a file that is being written. */
export type Scene = 'middle' | 'end';

export interface Hole extends Omit<DocumentOrigin, 'package'> {
  scene: Scene;
  before: string;
  /** The lines to type, the indentation of the first and the last line break left out. */
  typed: string;
  after: string;
}

export interface Source extends Omit<DocumentOrigin, 'package'> {
  text: string;
}

const LANGUAGES: Readonly<Record<string, string>> = { '.ts': 'typescript', '.js': 'javascript', '.py': 'python' };
const LEAST_DOCUMENT = 2000;
const MOST_DOCUMENT = 40_000;

/** Whole documents of the held-out split: equally many of each language, as many packages as there are. */
export async function heldOutSources(corpus: string, tokenizerFile: string, count: number): Promise<Source[]> {
  const { tokenizer, sha256 } = await loadTokenizer(tokenizerFile);
  const packed = await openPackedCorpus(corpus, 'heldout', sha256);
  const documents = packedDocuments(packed, tokenizer);
  const wanted = Object.values(LANGUAGES);
  const order = createRandom(1).shuffle(Array.from({ length: documents.count }, (_, index) => index));
  const taken = new Map<string, number>();
  const sources: Source[] = [];
  for (const index of order) {
    const { path, language, package: name } = documents.origin(index);
    const [byLanguage, byPackage] = [taken.get(language) ?? 0, taken.get(name) ?? 0];
    if (!wanted.includes(language) || byLanguage >= count / wanted.length || byPackage > byLanguage / 3) continue;
    const text = documents.text(index);
    if (!fits(text)) continue;
    taken.set(language, byLanguage + 1).set(name, byPackage + 1);
    sources.push({ path, language, text });
    if (sources.length >= count) break;
  }
  return sources;
}

/** The same from a folder, in the order of their names; folders that begin with a dot and dependencies are left out. */
export async function folderSources(folder: string, count: number): Promise<Source[]> {
  const entries: Dirent[] = await readdir(folder, { recursive: true, withFileTypes: true });
  const sources: Source[] = [];
  for (const entry of entries.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1))) {
    const path = relative(folder, pathOf(entry)).split(sep).join('/');
    const language = LANGUAGES[extname(entry.name)];
    if (!entry.isFile() || !language || /(^|\/)(\.|node_modules\/)/.test(path)) continue;
    const text = (await readFile(pathOf(entry), 'utf8')).replace(/\r\n?/g, '\n');
    if (fits(text)) sources.push({ path, language, text });
  }
  if (sources.length === 0) {
    const sizes = `${LEAST_DOCUMENT} to ${MOST_DOCUMENT} characters`;
    throw new Error(`${folder} has no .ts, .js or .py file of ${sizes}: name a folder with source text.`);
  }
  return createRandom(1).shuffle(sources).slice(0, count);
}

/** One stretch of about `length` characters of each source, every second one with nothing below it. */
export function drawHoles(sources: readonly Source[], length: number): Hole[] {
  const random = createRandom(2);
  return sources.map((source, index) => holeIn(source, length, index % 2 === 0 ? 'middle' : 'end', random));
}

function holeIn({ text, ...origin }: Source, length: number, scene: Scene, random: Random): Hole {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const fitting = starts.filter((start) => start + length < text.length && /\S/.test(text[start] ?? '\n'));
  const inside = starts.filter(
    (start) => start + length < text.length && /^[ \t]+\S/.test(text.slice(start, start + 99)),
  );
  const among = inside.length > 0 ? inside : fitting;
  const line = among[random.below(among.length)] ?? 0;
  const start = line + (/^[ \t]*/.exec(text.slice(line))?.[0].length ?? 0);
  const end = text.indexOf('\n', start + length);
  const typed = text.slice(start, end < 0 ? text.length : end).trimEnd();
  const after = scene === 'end' ? '' : text.slice(start + typed.length);
  return { ...origin, scene, before: text.slice(0, start), typed, after };
}

function fits(text: string): boolean {
  return text.length >= LEAST_DOCUMENT && text.length <= MOST_DOCUMENT && !/[^\n]{400}/.test(text);
}

function pathOf(entry: Dirent): string {
  return join(entry.parentPath, entry.name);
}
