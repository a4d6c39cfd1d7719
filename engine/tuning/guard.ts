/**
 * The guard: code that has nothing to do with the project, on which a tuned model must not have become worse. What ships
 * is a fixed copy of files of Cloze itself, which no model of ours was trained on; other projects can join it.
 */
import guard from './guard.json' with { type: 'json' };
import { type ProjectFile, readProject } from './project-files.ts';

/** The guard without texts of the project itself. Throws as `readProject`. */
export async function guardFiles(
  folders: readonly string[],
  project: readonly ProjectFile[],
  signal?: AbortSignal,
): Promise<ProjectFile[]> {
  const own = new Set(project.map(({ text }) => text));
  const files: ProjectFile[] = [...guard];
  for (const folder of folders) files.push(...(await readProject(folder, signal)).files);
  return files.filter(({ text }) => !own.has(text));
}
