/**
 * Where people wrote: lines that recent commits added to the project's files, as places of these files as they are now.
 * The history says where blanks are, never what stands there: no text that is not in a file of today is taken, so what the
 * reader of the project leaves out, secrets before all, does not come in by its past.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { CharacterRange } from '../../training/code-blanks.ts';
import type { ProjectFile } from '../project-files.ts';
import { openRepository, type Repository } from './repository.ts';

/** By the path of the file; places lie in the order of the text and do not overlap. */
export type AddedLines = ReadonlyMap<string, readonly CharacterRange[]>;

export function countPlaces(added: AddedLines): number {
  return [...added.values()].reduce((sum, places) => sum + places.length, 0);
}

/** Bounds of what is looked at. */
export const MOST_COMMITS = 200;
const MOST_TREES = 5000;
const MOST_CHANGES = 4000;
/** More files in one commit are formatting, renaming, or somebody else's code. */
const MOST_FILES_OF_COMMIT = 60;
const LARGEST_TEXT = 200_000;
/** Lines of a blank, and characters without white space: what an editor may leave open. */
const MOST_LINES = 12;
const LEAST_CHARACTERS = 6;

/** Empty where there is no history that can be read. What is damaged is passed over. */
export async function addedLines(
  project: string,
  files: readonly ProjectFile[],
  signal?: AbortSignal,
): Promise<AddedLines> {
  const repository = openRepository(project);
  if (!repository) return new Map();
  try {
    return await collect(repository, new Map(files.map((file) => [repository.prefix + file.path, file])), signal);
  } finally {
    repository.close();
  }
}

async function collect(
  repository: Repository,
  files: ReadonlyMap<string, ProjectFile>,
  signal: AbortSignal | undefined,
): Promise<AddedLines> {
  const found = new Map<string, CharacterRange[]>();
  const room = { trees: MOST_TREES, changes: MOST_CHANGES };
  let commit = repository.head ? repository.commit(repository.head) : undefined;
  for (let count = 0; commit?.parent && count < MOST_COMMITS; count++) {
    // Whoever wants to stop it comes to speak.
    await turn();
    signal?.throwIfAborted();
    const before = repository.commit(commit.parent);
    if (!before) break;
    const changes = changedFiles(repository, before.tree, commit.tree, files, room);
    if (changes.length <= MOST_FILES_OF_COMMIT) {
      for (const { path, from, to } of changes) {
        if (room.changes-- <= 0) return found;
        const file = files.get(path) as ProjectFile;
        const [old, text] = [textOf(repository, from), textOf(repository, to)];
        if (old === undefined || text === undefined) continue;
        const known = found.get(file.path) ?? [];
        for (const run of addedRuns(old, text)) addPlace(known, file.text, run);
        if (known.length > 0) found.set(file.path, known);
      }
    }
    commit = before;
  }
  for (const places of found.values()) places.sort((a, b) => a.start - b.start);
  return found;
}

interface Change {
  path: string;
  from: string;
  to: string;
}

/** Files of the project that both trees have and that differ. New files say nothing about what was written at a time. */
function changedFiles(
  repository: Repository,
  before: string,
  after: string,
  files: ReadonlyMap<string, ProjectFile>,
  room: { trees: number },
): Change[] {
  const changes: Change[] = [];
  const waiting = [{ folder: '', before, after }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.before === next.after) continue;
    if (room.trees-- <= 0) return [];
    const old = new Map(repository.tree(next.before).map((entry) => [entry.name, entry]));
    for (const { name, isFolder, id } of repository.tree(next.after)) {
      const own = old.get(name);
      if (!own || own.id === id || own.isFolder !== isFolder) continue;
      const path = next.folder + name;
      if (!isFolder) {
        if (files.has(path)) changes.push({ path, from: own.id, to: id });
      } else if (isOnTheWay(repository.prefix, `${path}/`)) {
        waiting.push({ folder: `${path}/`, before: own.id, after: id });
      }
    }
  }
  return changes;
}

/** Whether a folder holds the project or lies in it. */
function isOnTheWay(prefix: string, folder: string): boolean {
  return prefix.startsWith(folder) || folder.startsWith(prefix);
}

function textOf(repository: Repository, id: string): string | undefined {
  const data = repository.blob(id);
  return data && data.length <= LARGEST_TEXT ? data.toString('utf8').replace(/\r\n?/g, '\n') : undefined;
}

/** Runs of lines of `text` that `old` does not have, between their common beginning and end; long ones are left out. */
export function addedRuns(old: string, text: string): string[] {
  const [a, b] = [old.split('\n'), text.split('\n')];
  let from = 0;
  while (from < a.length && from < b.length && a[from] === b[from]) from++;
  let [aEnd, bEnd] = [a.length, b.length];
  while (aEnd > from && bEnd > from && a[aEnd - 1] === b[bEnd - 1]) [aEnd, bEnd] = [aEnd - 1, bEnd - 1];
  const left = new Map<string, number>();
  for (const line of a.slice(from, aEnd)) left.set(line, (left.get(line) ?? 0) + 1);
  const runs: string[][] = [];
  let isOpen = false;
  for (const line of b.slice(from, bEnd)) {
    const count = left.get(line) ?? 0;
    if (count > 0) left.set(line, count - 1);
    else if (isOpen) runs.at(-1)?.push(line);
    else runs.push([line]);
    isOpen = count === 0;
  }
  return runs.filter(({ length }) => length <= MOST_LINES).map((run) => run.join('\n').trim());
}

/** Adds the one place where a text of today has these lines whole; none where it has them twice or no more. */
function addPlace(places: CharacterRange[], text: string, run: string): void {
  if (run.replace(/\s/g, '').length < LEAST_CHARACTERS) return;
  const start = text.indexOf(run);
  const end = start + run.length;
  if (start < 0 || text.indexOf(run, start + 1) >= 0) return;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  if (text.slice(lineStart, start).trim() !== '' || (end < text.length && text[end] !== '\n')) return;
  if (places.some((own) => own.start < end && start < own.end)) return;
  places.push({ start, end });
}
