/** The extension as a package would hold it, for a VS Code to load. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Copies package.json and what its `files` name to a folder of the extension's own below `extensions`. */
export function copyExtension(project: string, extensions: string): void {
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    publisher: string;
    name: string;
    version: string;
    files: string[];
  };
  const folder = join(extensions, `${manifest.publisher}.${manifest.name}-${manifest.version}`);
  for (const path of ['package.json', ...manifest.files]) {
    // As for npm, a name that matches nothing is no error: a build may leave out what its platform cannot have.
    if (existsSync(join(project, path))) cpSync(join(project, path), join(folder, path), { recursive: true });
  }
}
