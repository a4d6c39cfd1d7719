/**
 * The little of a git repository that its history takes: commits from HEAD on, trees and blobs. Read from its files; git
 * is not run, as settings in a foreign folder can start programs. Only a `.git` folder in its usual form is read: no
 * linked worktree, no borrowed objects, no names of 32 bytes.
 */
import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { type GitObject, inflated, LARGEST_OBJECT, OBJECT_TYPES, type ObjectType, openPacks } from './packs.ts';

export interface Commit {
  tree: string;
  /** The first one; a merge is taken as what it brought to the branch. */
  parent: string | undefined;
}

export interface TreeEntry {
  name: string;
  isFolder: boolean;
  id: string;
}

export interface Repository {
  /** Of the project's folder below the repository's root, with a slash at its end; empty at the root. */
  prefix: string;
  /** The commit that is checked out. */
  head: string | undefined;
  commit(id: string): Commit | undefined;
  /** Empty where there is none. */
  tree(id: string): TreeEntry[];
  blob(id: string): Buffer | undefined;
  close(): void;
}

const ID = /^[0-9a-f]{40}$/;
/** A branch as git lets it be called, of characters that need no second thought. */
const REF = /^refs\/heads\/[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;
const SMALL_FILE = 4_000_000;

/** Undefined where the project does not lie in a repository that can be read. */
export function openRepository(project: string): Repository | undefined {
  const folder = realpathSync(project);
  const root = rootOf(folder);
  if (root === undefined) return undefined;
  const git = join(root, '.git');
  const packs = openPacks(join(git, 'objects', 'pack'));
  const read = (id: string, type: ObjectType): Buffer | undefined => {
    const found = looseObject(git, id) ?? packs.read(id);
    return found?.type === type ? found.data : undefined;
  };
  const below = relative(root, folder).split(sep).join('/');
  return {
    prefix: below === '' ? '' : `${below}/`,
    head: headOf(git),
    commit(id) {
      const text = read(id, 'commit')?.toString('latin1');
      const tree = text && /^tree ([0-9a-f]{40})$/m.exec(text)?.[1];
      if (!tree) return undefined;
      return { tree, parent: /^[^\n]*\nparent ([0-9a-f]{40})\n/.exec(text)?.[1] };
    },
    tree(id) {
      const data = read(id, 'tree');
      return data ? entriesOf(data) : [];
    },
    blob: (id) => read(id, 'blob'),
    close: () => packs.close(),
  };
}

function rootOf(project: string): string | undefined {
  for (let folder = project; ; folder = dirname(folder)) {
    const found = lstatSync(join(folder, '.git'), { throwIfNoEntry: false });
    if (found) return found.isDirectory() ? folder : undefined;
    if (dirname(folder) === folder) return undefined;
  }
}

function headOf(git: string): string | undefined {
  const head = smallFile(join(git, 'HEAD'));
  const branch = /^ref: (.*)$/m.exec(head)?.[1];
  if (branch === undefined) return idIn(head);
  if (!REF.test(branch) || branch.includes('..')) return undefined;
  const loose = idIn(smallFile(join(git, branch)));
  if (loose) return loose;
  const packed = smallFile(join(git, 'packed-refs'))
    .split('\n')
    .find((line) => line.slice(41) === branch);
  return packed === undefined ? undefined : idIn(packed.slice(0, 40));
}

function idIn(text: string): string | undefined {
  const id = text.trim();
  return ID.test(id) ? id : undefined;
}

/** Empty where it is no file, or too large a one to be what it should be. */
function smallFile(path: string): string {
  return bytesOf(path, SMALL_FILE)?.toString('utf8') ?? '';
}

function bytesOf(path: string, most: number): Buffer | undefined {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found?.isFile() && found.size <= most ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function looseObject(git: string, id: string): GitObject | undefined {
  const compressed = bytesOf(join(git, 'objects', id.slice(0, 2), id.slice(2)), LARGEST_OBJECT);
  // Its length is known only from what it begins with.
  const all = compressed && inflated(compressed);
  const head = all && /^(\w+) (\d+)\0/.exec(all.toString('latin1', 0, 32));
  const type = head && OBJECT_TYPES.find((own) => own === head[1]);
  if (!all || !head || !type || all.length - head[0].length !== Number(head[2])) return undefined;
  return { type, data: all.subarray(head[0].length) };
}

/** Entries are a mode, a space, a name, a zero byte and 20 bytes of name of the object. Links and submodules are left out. */
function entriesOf(data: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf(0, at);
    if (end < 0 || end + 21 > data.length) break;
    const [mode = '', name = ''] = splitOnce(data.toString('utf8', at, end));
    const id = data.toString('hex', end + 1, end + 21);
    at = end + 21;
    if (mode === '40000' || mode.startsWith('100')) entries.push({ name, isFolder: mode === '40000', id });
  }
  return entries;
}

function splitOnce(text: string): [string, string] {
  const space = text.indexOf(' ');
  return [text.slice(0, Math.max(0, space)), text.slice(space + 1)];
}
