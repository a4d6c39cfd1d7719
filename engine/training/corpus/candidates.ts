/**
 * The files of one unpacked package that may be trained on, each once: sources before what was compiled from them, and
 * one of several module formats.
 */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CorpusLanguage, familyOf, languageOf } from './language.ts';
import { type DropReason, isExcludedPath } from './quality.ts';
import { mappedSources } from './source-map.ts';

export interface Candidate {
  path: string;
  language: CorpusLanguage;
  bytes: Uint8Array;
}

const mostMapBytes = 64e6;
/** Folder names that tell builds of one source apart; taken away they leave what the builds have in common. */
const buildFolder =
  /^(src|esm|_?esm\d*|_?cjs|es|es6|mjs|commonjs|lib|dist|build|umd|amd|modules?|fesm\d*|esnext|lib-(commonjs|amd|esm|es6)|dist-(src|cjs|esm|es)|lib\.(esm|commonjs|cjs)|development|production|package)$/;

/** Lists the candidates under `directory` in path order. `drop` is told of every file that is left out here. */
export async function candidates(
  directory: string,
  keepsDeclarations: boolean,
  drop: (reason: DropReason, bytes: number) => void,
): Promise<Candidate[]> {
  const paths = await filesUnder(directory);
  const mapped = new Map<string, Candidate>();
  const hasSourceInMap = new Set<string>();
  const files: Candidate[] = [];
  for (const path of paths) {
    if (!path.endsWith('.map') || (await lstat(join(directory, path))).size > mostMapBytes) continue;
    for (const source of mappedSources(path, await readFile(join(directory, path), 'utf8'))) {
      const language = languageOf(source.path);
      if (language === undefined || familyOf(language) === 'other' || isDeclaration(source.path)) continue;
      hasSourceInMap.add(path.slice(0, -'.map'.length));
      if (!isExcludedPath(source.path)) {
        mapped.set(source.path, { path: source.path, language, bytes: new TextEncoder().encode(source.text) });
      }
    }
  }
  for (const path of paths) {
    const language = languageOf(path);
    if (language === undefined) continue;
    const { size } = await lstat(join(directory, path));
    if (isExcludedPath(path)) drop('excluded-path', size);
    else if (isDeclaration(path) && !keepsDeclarations) drop('declaration', size);
    else if (hasSourceInMap.has(path)) drop('compiled-beside-source', size);
    else if (size > 2e6) drop('too-large', size);
    else files.push({ path, language, bytes: await readFile(join(directory, path)) });
  }
  const taken = new Set(files.map((file) => file.path));
  return oneOfEachBuild([...files, ...[...mapped.values()].filter((source) => !taken.has(source.path))], drop);
}

/**
 * Among files that are the same but for build folders and extension, keeps the TypeScript ones, else the first by rank.
 * Files of the small languages are all kept.
 */
export function oneOfEachBuild(
  files: readonly Candidate[],
  drop: (reason: DropReason, bytes: number) => void,
): Candidate[] {
  const best = new Map<string, number>();
  for (const file of files) {
    const key = buildKey(file.path);
    best.set(key, Math.min(best.get(key) ?? Number.POSITIVE_INFINITY, buildRank(file)));
  }
  const kept: Candidate[] = [];
  const first = new Set<string>();
  for (const file of files) {
    const key = buildKey(file.path);
    if (familyOf(file.language) !== 'javascript') kept.push(file);
    else if (buildRank(file) === best.get(key) && !first.has(key)) {
      first.add(key);
      kept.push(file);
    } else drop('compiled-beside-source', file.bytes.length);
  }
  if (isWrittenInTypeScript(kept)) {
    const isCompiled = (file: Candidate) => familyOf(file.language) === 'javascript' && isInBuildFolder(file.path);
    for (const file of kept.filter(isCompiled)) drop('compiled-beside-source', file.bytes.length);
    return inPathOrder(kept.filter((file) => !isCompiled(file)));
  }
  return inPathOrder(kept);
}

function inPathOrder(files: Candidate[]): Candidate[] {
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function buildKey(path: string): string {
  const stem = path.replace(/\.[^./]+$/, '').split('/');
  return stem.filter((folder, index) => index === stem.length - 1 || !buildFolder.test(folder)).join('/');
}

function buildRank({ path, language }: Candidate): number {
  if (familyOf(language) === 'typescript') return 0;
  if (familyOf(language) !== 'javascript') return 9;
  if (/(^|\/)src\//.test(path)) return 1;
  if (/\.mjs$|(^|\/)(_?esm\d*|es|es6|modules?|fesm\d*|lib-esm)\//.test(path)) return 2;
  if (/\.cjs$|(^|\/)(_?cjs|commonjs|umd|amd|lib-(commonjs|amd))\//.test(path)) return 4;
  return 3;
}

/** Whether the package's own TypeScript outweighs half its JavaScript: then JavaScript in build folders was made from it. */
function isWrittenInTypeScript(files: readonly Candidate[]): boolean {
  const bytes = { typescript: 0, javascript: 0, python: 0, other: 0 };
  for (const file of files) bytes[familyOf(file.language)] += file.bytes.length;
  return bytes.typescript > 20_000 && bytes.typescript > bytes.javascript / 2;
}

function isInBuildFolder(path: string): boolean {
  const folders = path.split('/').slice(0, -1);
  return folders.some((folder) => folder !== 'src' && folder !== 'package' && buildFolder.test(folder));
}

function isDeclaration(path: string): boolean {
  return /\.d\.([a-z]+\.)?[cm]?ts$/.test(path);
}

/** Regular files only: a link could lead out of the package. */
async function filesUnder(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
