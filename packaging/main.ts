/** `npm run package`: writes the .vsix and the language server's package for this platform into the root of the project. */
import { join } from 'node:path';
import { targetName } from './contents.ts';
import { writeServerPackage } from './server-package.ts';
import { LARGEST_PACKAGE, megabytes, writeVsix } from './vsix.ts';

const project = join(import.meta.dirname, '..');
/** The addon was compiled on this machine, for it. */
const platform = { os: process.platform, cpu: process.arch };

try {
  const { path, size, files } = await writeVsix(project, platform, project);
  console.log(`${path}: ${files.length} files for ${targetName(platform)}, ${megabytes(size)}`);
  console.log(`(at most ${megabytes(LARGEST_PACKAGE)}). Install it with: code --install-extension ${path}`);
  const server = writeServerPackage(project, platform, project);
  console.log(
    `${server.path}: the language server alone, ${megabytes(server.size)}. Install it with: npm install -g ${server.path}`,
  );
} catch (error) {
  console.error(`cloze: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
