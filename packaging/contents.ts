/**
 * What a package holds: the files that npm would publish, by `files` in package.json, and of the modules that the
 * bundles leave outside only what one platform needs. No sources, tests or source maps.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Platform {
  /** As in `process.platform`. */
  os: string;
  /** As in `process.arch`. */
  cpu: string;
}

export interface PackagedFile {
  /** Inside the package and, unless `from` says otherwise, inside the project; with forward slashes. */
  path: string;
  /** Where it lies inside the project. */
  from?: string;
  executable: boolean;
}

/** The modules that esbuild.mjs leaves outside, with what of them runs. */
const OUTSIDE: Readonly<Record<string, (platform: Platform) => string[]>> = {
  'onnxruntime-node': ({ os, cpu }) => [
    'onnxruntime-node/package.json',
    'onnxruntime-node/dist',
    `onnxruntime-node/bin/napi-v6/${os}/${cpu}`,
    'onnxruntime-common/package.json',
    'onnxruntime-common/dist/cjs',
  ],
};

/** VS Code's name of a platform, such as `linux-x64` or `win32-arm64`. */
export function targetName({ os, cpu }: Platform): string {
  return `${os}-${cpu}`;
}

/** Where the addon lies in the project and in a package. */
const ADDON = 'native/build/Release/cloze.node';

/** `addon`: where that of another platform lies. Throws where something that the package cannot do without is missing. */
export function packagedFiles(project: string, platform: Platform, addon = ADDON): PackagedFile[] {
  const own = publishedFiles(project).map((file) => (file.path === ADDON ? { ...file, from: addon } : file));
  const paths = new Set(own.map(({ path }) => path));
  for (const needed of ['dist/extension.cjs', 'dist/server.cjs', ADDON]) {
    if (!paths.has(needed)) throw new Error(`${join(project, needed)} is missing. Build it with: node setup.mjs`);
  }
  const bundles = own.filter(({ path }) => /^dist\/[^/]+\.[cm]js$/.test(path));
  const modules = outsideModules(bundles.map(({ path }) => readFileSync(join(project, path), 'utf8')));
  const carried = modules.flatMap((module) => OUTSIDE[module]?.(platform) ?? []);
  return [...own, ...carried.flatMap((path) => filesBelow(project, `node_modules/${path}`))];
}

/** Names of the modules among `OUTSIDE` that one of the bundles asks for. */
export function outsideModules(bundles: readonly string[]): string[] {
  return Object.keys(OUTSIDE).filter((name) =>
    bundles.some((text) => new RegExp(`(?:require\\w*\\(|import\\(|from)\\s*["'\`]${name}["'\`]`).test(text)),
  );
}

/** npm is asked, so that both packages hold the same. */
function publishedFiles(project: string): PackagedFile[] {
  const [command, ...before] = npmCommand();
  const list = spawnSync(command, [...before, 'pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: project,
    encoding: 'utf8',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (list.error || list.status !== 0) {
    throw new Error(`npm could not list the files of the package: ${list.error?.message ?? list.stderr}`);
  }
  const [{ files }] = JSON.parse(list.stdout) as [{ files: { path: string; mode: number }[] }];
  return files.map(({ path, mode }) => ({ path, executable: (mode & 0o111) !== 0 }));
}

/** The npm that runs us, or else the one on PATH. */
export function npmCommand(): [string, ...string[]] {
  const self = process.env.npm_execpath;
  return self?.endsWith('.js') ? [process.execPath, self] : ['npm'];
}

function filesBelow(project: string, path: string): PackagedFile[] {
  const at = join(project, path);
  if (!existsSync(at)) {
    throw new Error(`${at} is missing, which the package needs for this platform. Install it with: npm ci`);
  }
  const files = path.endsWith('.json') ? [path] : listed(at).map((name) => `${path}/${name}`);
  return files.filter((file) => !/\.(map|d\.ts)$/.test(file)).map((file) => ({ path: file, executable: false }));
}

function listed(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}
