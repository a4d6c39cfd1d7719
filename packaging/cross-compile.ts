/** The addon for 64-bit ARM, compiled on another Linux by Debian's cross compiler. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { npmCommand } from './contents.ts';

const TOOLS = { CC: 'aarch64-linux-gnu-gcc', CXX: 'aarch64-linux-gnu-g++', AR: 'aarch64-linux-gnu-ar' };
/** Inside the project; a folder of its own, so that the addon of this machine stays. */
const FOLDER = 'native/build-arm64';

/** Returns the path of the addon inside the project. What was compiled before and has not changed is taken as it is. */
export function crossCompile(project: string): string {
  const missing = Object.values(TOOLS).find((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (missing) {
    throw new Error(
      `${missing} was not found, which compiles for 64-bit ARM. Debian: apt-get install g++-aarch64-linux-gnu`,
    );
  }
  mkdirSync(join(project, FOLDER), { recursive: true });
  for (const name of ['binding.gyp', 'src']) {
    const options = { recursive: true, preserveTimestamps: true };
    cpSync(join(project, 'native', name), join(project, FOLDER, name), options);
  }
  const [command, ...before] = npmCommand();
  const { status } = spawnSync(command, [...before, 'run', '--silent', 'build:native:arm64', ...headers()], {
    cwd: project,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...TOOLS },
  });
  if (status !== 0) throw new Error('The addon did not compile for 64-bit ARM; the compiler has said why above.');
  return `${FOLDER}/build/Release/cloze.node`;
}

/** node-gyp downloads Node's headers unless told where they lie; they are the same for all processors. */
function headers(): string[] {
  const prefix = resolve(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? ['--', `--nodedir=${prefix}`] : [];
}
