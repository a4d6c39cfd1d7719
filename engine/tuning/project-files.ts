/**
 * The files of a project that a model may be tuned on: source text of its three languages that git would not ignore.
 * What is ignored, hidden, linked or named like a secret is never opened.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { familyOf, languageOf } from '../training/corpus/language.ts';
import { isExcludedPath, isGenerated, textFault } from '../training/corpus/quality.ts';

export interface ProjectFile {
  /** Below the project, forward slashes. */
  path: string;
  /** Family: typescript, javascript, python. */
  language: string;
  text: string;
}

export interface ProjectFiles {
  /** In the order of their paths. */
  files: ProjectFile[];
  /** Of source files that were opened, or too large to be: how many were left out, by reason. */
  leftOut: Record<string, number>;
}

/** Bounds of what is read: bytes of a file, bytes of all, files. */
const LARGEST_FILE = 200_000;
const MOST_BYTES = 32_000_000;
const MOST_FILES = 20_000;

/** Names under which people keep keys, whatever the file holds. */
const SECRET_NAME =
  /(^|[._\-/])(secrets?|credentials?|passw(or)?ds?|tokens?\.local|private[._-]?keys?|api[._-]?keys?)([._\-/]|$)/i;

export function looksSecret(path: string): boolean {
  return SECRET_NAME.test(path);
}

/**
 * Reads a project. Throws when `folder` is no folder. A folder that cannot be listed is passed over; where there is
 * more than the bounds allow, the first files by path are taken.
 */
export async function readProject(folder: string, signal?: AbortSignal): Promise<ProjectFiles> {
  const found = await lstat(await realpath(folder).catch(() => folder)).catch(() => undefined);
  if (!found?.isDirectory()) throw new Error(`${folder} is not a folder. Name the folder of a project.`);
  const root = await realpath(folder);
  const leftOut: Record<string, number> = {};
  const leave = (reason: string) => {
    leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  };
  const paths = (await sourcePaths(root, await rulesAbove(root))).sort();
  const inProject = new Set(paths);
  const seen = new Set<string>();
  const files: ProjectFile[] = [];
  let bytes = 0;
  for (const path of paths) {
    signal?.throwIfAborted();
    if (hasSource(path, inProject)) {
      leave('compiled-beside-source');
      continue;
    }
    const { size } = await lstat(join(root, path)).catch(() => ({ size: 0 }));
    if (size > LARGEST_FILE) {
      leave('too-large');
      continue;
    }
    if (files.length >= MOST_FILES || bytes + size > MOST_BYTES) {
      leave('share-limit');
      continue;
    }
    const content = await readFile(join(root, path)).catch(() => undefined);
    if (!content) {
      leave('unreadable');
      continue;
    }
    const kept = readable(content, path);
    if (typeof kept === 'string') {
      leave(kept);
      continue;
    }
    // The same text twice could stand on both sides of the split.
    const hash = createHash('sha256').update(kept.text.replace(/\s+/g, ' ')).digest('hex');
    if (seen.has(hash)) {
      leave('duplicate');
      continue;
    }
    seen.add(hash);
    files.push(kept);
    bytes += size;
  }
  return { files, leftOut };
}

/** The file, or why it is left out. */
function readable(content: Uint8Array, path: string): ProjectFile | string {
  const language = languageOf(path);
  if (!language) return 'not-source';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content).replace(/\r\n?/g, '\n');
  } catch {
    return 'not-utf8';
  }
  if (isGenerated(text)) return 'generated';
  return textFault(text, content.length, language) ?? { path, language: familyOf(language), text };
}

/** Whether a compiler made this file from one that lies beside it. */
function hasSource(path: string, all: ReadonlySet<string>): boolean {
  const declaration = /^(.*)\.d\.([cm]?)ts$/.exec(path);
  if (declaration) {
    const [, stem, kind] = declaration;
    return [`${stem}.${kind}js`, `${stem}.${kind}ts`, `${stem}.tsx`].some((other) => all.has(other));
  }
  const script = /^(.*)\.([cm]?)jsx?$/.exec(path);
  return script !== null && [`${script[1]}.${script[2]}ts`, `${script[1]}.tsx`].some((other) => all.has(other));
}

/** Rules of one folder: paths are given relative to it. */
interface Rules {
  folder: string;
  rules: Ignore;
}

/** Names only; no file but `.gitignore` is opened. */
async function sourcePaths(root: string, above: Rules[]): Promise<string[]> {
  const paths: string[] = [];
  const waiting: { folder: string; rules: Rules[] }[] = [{ folder: root, rules: above }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { folder } = next;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const rules = [...next.rules, ...(await rulesOf(folder, '.gitignore'))];
    for (const entry of entries) {
      const whole = join(folder, entry.name);
      const path = slashed(relative(root, whole));
      if (entry.name.startsWith('.') || looksSecret(path)) continue;
      if (entry.isDirectory()) {
        if (isExcludedPath(`${path}/`) || isIgnored(`${whole}/`, rules)) continue;
        waiting.push({ folder: whole, rules });
      } else if (entry.isFile() && isCode(path) && !isExcludedPath(path) && !isIgnored(whole, rules)) {
        paths.push(path);
      }
    }
  }
  return paths;
}

function isCode(path: string): boolean {
  const language = languageOf(path);
  return language !== undefined && familyOf(language) !== 'other';
}

/** The rules of the folder nearest to the path that say anything decide, as in git. */
function isIgnored(whole: string, rules: readonly Rules[]): boolean {
  for (const { folder, rules: own } of rules.toReversed()) {
    const below = slashed(relative(folder, whole)) + (whole.endsWith('/') ? '/' : '');
    const { ignored, unignored } = own.test(below);
    if (ignored || unignored) return ignored;
  }
  return false;
}

/** Rules that hold for `root` because it lies in a repository: those of the folders above, and the repository's own. */
async function rulesAbove(root: string): Promise<Rules[]> {
  const folders: string[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (await lstat(join(folder, '.git')).catch(() => undefined)) break;
    if (dirname(folder) === folder) return [];
  }
  const above: Rules[] = await rulesOf(folders[0] as string, join('.git', 'info', 'exclude'));
  // The root's own rules come with its files.
  for (const folder of folders.slice(0, -1)) above.push(...(await rulesOf(folder, '.gitignore')));
  return above;
}

async function rulesOf(folder: string, name: string): Promise<Rules[]> {
  let text: string;
  try {
    text = await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new Error(
      `${join(folder, name)} cannot be read, so nobody knows what it says to ignore: ${(error as Error).message}`,
    );
  }
  return [{ folder, rules: ignore().add(text) }];
}

function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
