/** What else would be open in an editor: other files near a task's, from which it takes neighbours as the editor does. */
import type { Task } from '../evaluation/task.ts';
import { pickNeighbours, type Window, windowsOf } from '../infill/neighbour-windows.ts';
import type { ProjectFile } from './project-files.ts';

/** Open files beside the one at hand, where nothing else is said. */
export const OPEN_FILES = 8;

/** `tasks` with neighbours from the `count` of `files` that lie nearest to each: in its folder, then in those around it. */
export function withOpenFiles(tasks: readonly Task[], files: readonly ProjectFile[], count: number): Task[] {
  const known = new Map<string, Window[]>();
  const windows = ({ path, text }: ProjectFile) => {
    const kept = known.get(path) ?? windowsOf(text);
    known.set(path, kept);
    return kept;
  };
  return tasks.map((task) => {
    const near = files
      .filter(({ path, language }) => path !== task.path && language === task.language)
      .map((file) => ({ file, shared: sharedFolders(file.path, task.path) }))
      .sort((a, b) => b.shared - a.shared || (a.file.path < b.file.path ? -1 : 1))
      .slice(0, count);
    const open = near.map(({ file }) => ({ path: file.path, windows: () => windows(file) }));
    return { ...task, neighbours: pickNeighbours(task, open) };
  });
}

function sharedFolders(one: string, other: string): number {
  const [a, b] = [one.split('/').slice(0, -1), other.split('/').slice(0, -1)];
  let shared = 0;
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared++;
  return shared;
}
