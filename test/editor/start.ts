/**
 * `npm start`: opens a VS Code with the extension and a copy of the sample workspace: the desktop one when its
 * command `code` is on PATH, else (or with `--browser`) the workbench in a browser, served until Ctrl+C.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { cacheFolder } from './cache.ts';
import { installVsCode } from './vscode-install.ts';
import { startVsCodeServer } from './vscode-server.ts';

const project = join(import.meta.dirname, '..');
const TO_TRY = `Try this:
  1. Open inventory.ts, put the cursor at the end of a line inside a method and press Enter.
  2. Type the start of a statement, for example \`const \`; grey text shows what Cloze would put there.
  3. Tab accepts it, Escape sends it away, Ctrl+Right accepts one word.
  4. The item at the right of the status bar shows the model and what it is doing.`;

async function start(): Promise<void> {
  const workspace = join(cacheFolder(), 'sample-workspace');
  cpSync(join(project, 'test/editor/sample-workspace'), workspace, { recursive: true });
  const desktop = process.argv.includes('--browser') ? undefined : desktopCommand();
  if (desktop) await openDesktop(desktop, workspace);
  else await serveBrowser(workspace);
}

/** The path of `code`; not inside a remote session of VS Code, where that command cannot load an extension's folder. */
function desktopCommand(): string | undefined {
  if (process.env.VSCODE_IPC_HOOK_CLI) return undefined;
  const name = process.platform === 'win32' ? 'code.cmd' : 'code';
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function openDesktop(command: string, workspace: string): Promise<void> {
  console.log(`Opening ${workspace} in desktop VS Code (${command}).\n${TO_TRY}`);
  const shell = process.platform === 'win32';
  const child = spawn(command, [`--extensionDevelopmentPath=${project}`, workspace], { stdio: 'inherit', shell });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve));
  if (code !== 0)
    throw new Error(`${command} ended with code ${code}. \`npm start -- --browser\` opens VS Code in a browser.`);
}

async function serveBrowser(workspace: string): Promise<void> {
  const stop = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
  });
  const vscode = await installVsCode((line) => console.log(`cloze: ${line} …`));
  const folder = mkdtempSync(join(tmpdir(), 'cloze-'));
  const server = await startVsCodeServer(vscode, { project, workspace, folder });
  console.log(`\nVS Code ${vscode.version} with Cloze:\n\n  ${server.url}\n\n${TO_TRY}\n\nCtrl+C ends it.`);
  await stop;
  await server.dispose();
}

start().catch((error: Error) => {
  console.error(`cloze: ${error.message}`);
  process.exitCode = 1;
});
