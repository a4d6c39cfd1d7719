/** One running VS Code server with its own data, settings and extensions; nothing of the user's is read or written. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { copyExtension, installPackage } from './extension-folder.ts';
import { guard } from './guard.ts';
import type { VsCode } from './vscode-install.ts';

/** Quiet, offline, and without the welcome pages that hide the editor. */
const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'typescript.disableAutomaticTypeAcquisition': true,
  'typescript.surveys.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  // Copilot's own surfaces, which ask for an account.
  'chat.disableAIFeatures': true,
};

export interface ServerOptions {
  /** Root of this project: where the extension is taken from. */
  project: string;
  /** The folder that VS Code opens. */
  workspace: string;
  /** A `.code-workspace` file in that folder to open in its place. */
  roots?: string;
  /** A folder for this run alone; removed at its end, even when this process is killed. */
  folder: string;
  /** Put over the quiet defaults. */
  settings?: Record<string, unknown>;
  /** A package of the extension to install; without one the extension is taken as it was built. */
  vsix?: string;
  /** Given the folder into which the extension was installed, before VS Code starts. */
  installed?: (extension: string) => void;
  /** Folders of other extensions to load. */
  others?: readonly string[];
  /** Put over the environment of this process, what is taken out of that included. */
  env?: Record<string, string>;
  /** The editor's language, such as `zh-cn`; English without one. */
  language?: string;
}

export interface VsCodeServer {
  /** Opens the workspace in a browser; holds the token without which the server answers nobody. */
  url: string;
  /** Ends the server and all that it started, and removes the folder of this run. */
  dispose(): Promise<void>;
}

export async function startVsCodeServer(vscode: VsCode, options: ServerOptions): Promise<VsCodeServer> {
  const dataFolder = join(options.folder, 'vscode');
  const extensions = join(dataFolder, 'extensions');
  const tokenFile = join(dataFolder, 'token');
  const token = randomBytes(16).toString('hex');
  // Before a package is installed: with the first one VS Code lists what is there, and looks at nothing else later.
  for (const other of options.others ?? []) cpSync(other, join(extensions, basename(other)), { recursive: true });
  if (options.language) writeLanguagePack(extensions, join(dataFolder, 'data'), options.language);
  if (options.vsix) installPackage(vscode, options.vsix, dataFolder, extensions);
  else copyExtension(options.project, extensions);
  const own = readdirSync(extensions).find((name) => name.startsWith('cloze.cloze-'));
  if (own) options.installed?.(join(extensions, own));
  // Those of the machine are read from a file of their own; which are, VS Code knows only when the extension is registered.
  for (const scope of ['User', 'Machine']) {
    const own = join(dataFolder, 'data', scope);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'settings.json'), JSON.stringify({ ...SETTINGS, ...options.settings }));
  }
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const child = spawn(
    vscode.node,
    [
      vscode.main,
      ...['--host', '127.0.0.1', '--port', '0', '--connection-token-file', tokenFile, '--accept-server-license-terms'],
      ...['--server-data-dir', dataFolder, '--extensions-dir', extensions, '--telemetry-level', 'off'],
      ...(options.language ? ['--locale', options.language] : []),
    ],
    // Its own process group, so that dispose reaches the extension hosts and language servers that it starts.
    { detached: true, env: { ...environment(dataFolder), ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const cleanUp = guard(child, options.folder);
  const dispose = async (): Promise<void> => {
    await end(child);
    await cleanUp();
  };
  try {
    const port = await listeningPort(child);
    const { workspace, roots } = options;
    const opened =
      roots === undefined ? `folder=${encodeURI(workspace)}` : `workspace=${encodeURI(join(workspace, roots))}`;
    return { url: `http://127.0.0.1:${port}/?tkn=${token}&${opened}`, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * A language pack without a sentence: VS Code speaks the language then, its own sentences staying English, and has
 * extensions speak it. Its real packs come from a marketplace only.
 */
function writeLanguagePack(extensions: string, data: string, language: string): void {
  const name = `language-pack-${language}`;
  const folder = join(extensions, name);
  const sentences = join(folder, 'sentences.json');
  const manifest = {
    name,
    publisher: 'cloze-tests',
    version: '1.0.0',
    engines: { vscode: '*' },
    contributes: {
      localizations: [
        { languageId: language, languageName: language, translations: [{ id: 'vscode', path: './sentences.json' }] },
      ],
    },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(sentences, JSON.stringify({ version: '1.0.0', contents: {} }));
  // What VS Code itself writes once it has met the extension, which is too late for the language it starts in.
  const pack = {
    hash: 'empty',
    label: language,
    extensions: [{ extensionIdentifier: { id: `cloze-tests.${name}` }, version: '1.0.0' }],
    translations: { vscode: sentences },
  };
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'languagepacks.json'), JSON.stringify({ [language]: pack }));
}

function environment(dataFolder: string): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|npm_|VITEST|NODE_)/.test(name));
  return {
    ...Object.fromEntries(outer),
    // None of the models that are installed on this machine.
    CLOZE_DATA: join(dataFolder, 'cloze'),
    // An empty gallery: VS Code asks no marketplace for anything.
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    // Sockets and caches that VS Code leaves behind go with the data (elsewhere the path may be too long for a socket).
    ...(process.platform === 'linux' ? { TMPDIR: dataFolder, XDG_RUNTIME_DIR: dataFolder } : {}),
  };
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const read = (chunk: Buffer): void => {
      printed += chunk;
      const port = /listening on (\d+)/.exec(printed)?.[1];
      if (port) resolve(Number(port));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`VS Code's server ended with code ${code}:\n${printed.slice(-2000)}`)),
    );
  });
}

/** Asks the whole process group to end; after five seconds the guard makes it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGTERM');
  await Promise.race([ended, setTimeout(5000, undefined, { ref: false })]);
}
