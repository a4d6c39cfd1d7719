/**
 * `npm run package`: writes the .vsix and the language server's package into the root of the project, for this platform
 * or, with `npm run package -- linux-arm64`, for another that can be compiled for here.
 */
import { join } from 'node:path';
import { targetName } from './contents.ts';
import { crossCompile } from './cross-compile.ts';
import { writeServerPackage } from './server-package.ts';
import { LARGEST_PACKAGE, megabytes, writeVsix } from './vsix.ts';

const project = join(import.meta.dirname, '..');
const here = { os: process.platform, cpu: process.arch };

try {
  const target = process.argv[2] ?? targetName(here);
  const platform = [here, { os: 'linux', cpu: 'arm64' }].find((each) => targetName(each) === target);
  if (!platform) {
    throw new Error(`${target} cannot be compiled for here. Known are ${targetName(here)} and linux-arm64.`);
  }
  // The addon was compiled on this machine, for it, unless it is crossed over.
  const addon = platform === here ? undefined : crossCompile(project);
  const { path, size, files } = await writeVsix(project, platform, project, addon);
  console.log(`${path}: ${files.length} files for ${target}, ${megabytes(size)}`);
  console.log(`(at most ${megabytes(LARGEST_PACKAGE)}). Install it with: code --install-extension ${path}`);
  const server = writeServerPackage(project, platform, project, addon);
  console.log(`${server.path}: the language server alone, ${megabytes(server.size)}.`);
  console.log(`Install it with: npm install -g ${server.path}`);
} catch (error) {
  console.error(`cloze: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
