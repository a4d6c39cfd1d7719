/**
 * The language server alone as a package of npm, for editors other than VS Code: its bundles, the addon of this
 * platform and the model that ships. Nothing else is needed; onnxruntime is optional, for models that run on it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { npmCommand, type Platform, packagedFiles, targetName } from './contents.ts';

export const SERVER_PACKAGE = 'cloze-language-server';

/** Besides them package.json and README.md, which are the package's own. */
const OWN =
  /^(?:LICENSE|dist\/(?:(?:server|system-information)\.cjs|cloze\.mjs|onnx-host\.mjs)|engine\/embedded-model\/.+|native\/.+\.node)$/;

interface Manifest {
  version: string;
  license: string;
  engines: { node: string };
  dependencies: Record<string, string>;
}

/** Writes `cloze-language-server-PLATFORM-VERSION.tgz` into `folder`; returns its path and size in bytes. */
export function writeServerPackage(
  project: string,
  platform: Platform,
  folder: string,
  addon?: string,
): { path: string; size: number } {
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest;
  const aside = mkdtempSync(join(tmpdir(), 'cloze-package-'));
  try {
    for (const { path, from = path } of packagedFiles(project, platform, addon).filter((file) => OWN.test(file.path))) {
      mkdirSync(dirname(join(aside, path)), { recursive: true });
      cpSync(join(project, from), join(aside, path));
    }
    cpSync(join(project, 'docs/language-server.md'), join(aside, 'README.md'));
    writeFileSync(join(aside, 'package.json'), JSON.stringify(serverManifest(manifest, platform), null, 2));
    const [command, ...before] = npmCommand();
    const packed = spawnSync(
      command,
      [...before, 'pack', '--json', '--ignore-scripts', `--pack-destination=${aside}`],
      {
        cwd: aside,
        encoding: 'utf8',
        shell: process.platform === 'win32' && command === 'npm',
      },
    );
    if (packed.error || packed.status !== 0) {
      throw new Error(`npm could not pack the language server: ${packed.error?.message ?? packed.stderr}`);
    }
    const name = `${SERVER_PACKAGE}-${manifest.version}.tgz`;
    const path = join(folder, `${SERVER_PACKAGE}-${targetName(platform)}-${manifest.version}.tgz`);
    cpSync(join(aside, name), path);
    return { path, size: statSync(path).size };
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function serverManifest({ version, license, engines, dependencies }: Manifest, { os, cpu }: Platform): object {
  return {
    name: SERVER_PACKAGE,
    version,
    description:
      'Code completion in the middle of the text by a General Language Model on this machine, over LSP 3.18.',
    license,
    engines: { node: engines.node },
    // The addon was compiled for them.
    os: [os],
    cpu: [cpu],
    bin: { [SERVER_PACKAGE]: 'dist/server.cjs' },
    optionalDependencies: { 'onnxruntime-node': dependencies['onnxruntime-node'] },
  };
}
