/** Runs npm for the cached installations, away from the project's own configuration. */
import { spawn } from 'node:child_process';

/** Resolves when npm succeeds; rejects with the end of what it printed. */
export async function npm(folder: string, ...args: string[]): Promise<void> {
  const self = process.env.npm_execpath;
  const [command, ...before] = self?.endsWith('.js') ? [process.execPath, self] : ['npm'];
  const child = spawn(command ?? 'npm', [...before, ...args, '--no-audit', '--no-fund'], {
    cwd: folder,
    env: outsideProject(process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    printed += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed in ${folder}:\n${printed.slice(-2000)}`);
}

/** npm hands a script the project's settings as variables; those about the project itself must not reach another npm. */
function outsideProject(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = ['npm_config_local_prefix', 'npm_config_ignore_scripts', 'NODE_ENV', 'NODE_OPTIONS'];
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !own.includes(name) && !/^npm_(package|lifecycle)_/.test(name)),
  );
}
