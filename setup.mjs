// Brings a fresh clone to a state in which `npm start` and `npm test` work, and does nothing when all is up to date.
// Plain Node without dependencies: it runs before node_modules exists.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const COMPILER_HINT = `The native addon is compiled from source: it needs python3, make and a C++17 compiler.
  Debian, Ubuntu: sudo apt-get install python3 make g++
  Fedora:         sudo dnf install python3 make gcc-c++
  macOS:          xcode-select --install`;

/** Goes into no bundle: native sources and objects, the model's weights, most of the tests. */
const NOT_BUNDLED = ['src', 'build', 'embedded-model', 'output', 'fixtures', 'unit'];

const steps = [
  {
    name: 'dependencies',
    sources: ['package-lock.json'],
    made: 'node_modules/.package-lock.json',
    command: ['ci', '--include=dev'],
    hint: 'npm could not install what package-lock.json names. Is the network (or the registry that npm uses) reachable?',
  },
  {
    name: 'native addon',
    sources: ['native/src', 'native/binding.gyp'],
    made: 'native/build/.made',
    command: ['run', '--silent', 'build:native', ...headers()],
    hint: COMPILER_HINT,
  },
  {
    name: 'bundles',
    sources: [
      'extension',
      'language-server',
      'engine',
      'native',
      'media',
      'packaging',
      'test',
      'esbuild.mjs',
      'package.json',
    ],
    made: 'dist/.made',
    command: ['run', '--silent', 'build'],
    hint: 'The sources above do not bundle; `npm run typecheck` says more.',
  },
];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  fail(`Cloze needs Node 20.11 or later; this is ${process.version} (${process.execPath}). See https://nodejs.org`);
}
for (const step of steps) run(step);

function run({ name, sources, made, command, hint }) {
  const stamp = join(root, made);
  // Taken before the work, so that a source saved meanwhile counts as newer.
  const began = new Date();
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest(sources)) return;
  console.log(`cloze: setting up ${name} (npm ${command.filter((word) => !word.startsWith('-')).join(' ')}) …`);
  const { status, error } = npm(command);
  if (error || status !== 0) fail(`cloze: setting up ${name} failed${error ? ` (${error.message})` : ''}.\n${hint}`);
  // npm writes its own stamp; the other steps leave one of ours.
  if (!made.endsWith('.made')) return;
  writeFileSync(stamp, '');
  utimesSync(stamp, began, began);
}

/** Runs the npm that runs us, or else the one on PATH. */
function npm(args) {
  const self = process.env.npm_execpath;
  const options = { cwd: root, stdio: 'inherit' };
  if (self?.endsWith('.js')) return spawnSync(process.execPath, [self, ...args], options);
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

/** node-gyp downloads Node's headers unless told where they lie; most installations of Node bring them along. */
function headers() {
  const prefix = resolve(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? ['--', `--nodedir=${prefix}`] : [];
}

/** Latest change of the given files and of everything below the given folders, in milliseconds; 0 when none exists. */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const at = join(root, path);
    if (!existsSync(at)) continue;
    for (const file of [at, ...(statSync(at).isDirectory() ? below(at) : [])]) {
      latest = Math.max(latest, statSync(file).mtimeMs);
    }
  }
  return latest;
}

/** Folders count too: their time changes when a file is removed. */
function below(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_BUNDLED.includes(entry.name)) return [];
    const at = join(folder, entry.name);
    return entry.isDirectory() ? [at, ...below(at)] : [at];
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
