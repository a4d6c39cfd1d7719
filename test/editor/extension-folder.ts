/** The extension as a VS Code finds it: unpacked into its folder, or installed from a package. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagedFiles } from '../../packaging/contents.ts';
import type { VsCode } from './vscode-install.ts';

/** Copies what a package for this machine holds to a folder of the extension's own below `extensions`. */
export function copyExtension(project: string, extensions: string): void {
  const { publisher, name, version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    publisher: string;
    name: string;
    version: string;
  };
  const folder = join(extensions, `${publisher}.${name}-${version}`);
  for (const { path } of packagedFiles(project, { os: process.platform, cpu: process.arch })) {
    cpSync(join(project, path), join(folder, path));
  }
}

/** Has VS Code install a .vsix, as `code --install-extension` does. */
export function installPackage(vscode: VsCode, vsix: string, dataFolder: string, extensions: string): void {
  const folders = ['--server-data-dir', dataFolder, '--extensions-dir', extensions];
  const { status, stdout, stderr } = spawnSync(
    vscode.node,
    [vscode.main, '--install-extension', vsix, ...folders, '--accept-server-license-terms', '--telemetry-level', 'off'],
    { encoding: 'utf8', env: { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}' } },
  );
  if (status !== 0) throw new Error(`VS Code did not install ${vsix}:\n${stdout}${stderr}`);
}
