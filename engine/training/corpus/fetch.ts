/**
 * Fetches the listed packages, each once, one at a time, through the machine's own package clients (`npm pack`,
 * `apt-get download`), into a cache folder that later runs reuse. A package that cannot be had is named and the rest
 * goes on.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ListedPackage, packageFileStem } from './package-list.ts';

const run = promisify(execFile);
/** Registries are shared by everybody: at most about one request a second. */
const gentlePauseMs = 1000;
const clientTimeoutMs = 10 * 60 * 1000;

export interface FetchReport {
  fetched: number;
  cached: number;
  missing: { package: ListedPackage; reason: string }[];
}

export function archivePath(cacheDirectory: string, listed: ListedPackage): string {
  return join(cacheDirectory, packageFileStem(listed) + (listed.source === 'npm' ? '.tgz' : '.deb'));
}

export async function fetchPackages(
  packages: readonly ListedPackage[],
  cacheDirectory: string,
  progress: (line: string) => void,
  signal: AbortSignal,
  pauseMs = gentlePauseMs,
): Promise<FetchReport> {
  await mkdir(cacheDirectory, { recursive: true });
  const report: FetchReport = { fetched: 0, cached: 0, missing: [] };
  for (const [index, listed] of packages.entries()) {
    signal.throwIfAborted();
    if (existsSync(archivePath(cacheDirectory, listed))) {
      report.cached++;
      continue;
    }
    const label = `[${index + 1}/${packages.length}] ${listed.name} ${listed.version} (${listed.source})`;
    progress(`${label}: fetching`);
    try {
      await fetchOne(listed, cacheDirectory, signal);
      report.fetched++;
    } catch (error) {
      signal.throwIfAborted();
      const reason = clientMessage(error);
      report.missing.push({ package: listed, reason });
      progress(`${label}: NOT fetched: ${reason}`);
    }
    await pause(pauseMs, undefined, { signal });
  }
  return report;
}

async function fetchOne(listed: ListedPackage, cacheDirectory: string, signal: AbortSignal): Promise<void> {
  const aside = await mkdtemp(join(cacheDirectory, '.fetching-'));
  try {
    const options = { cwd: aside, signal, timeout: clientTimeoutMs };
    if (listed.source === 'npm') {
      const specifier = `${listed.name}@${listed.version}`;
      await run('npm', ['pack', specifier, '--ignore-scripts', '--silent'], options);
    } else {
      await run('apt-get', ['download', '--quiet', `${listed.name}=${listed.version}`], options);
    }
    const [archive] = await readdir(aside);
    if (archive === undefined) throw new Error('the package client ended well but left no file');
    await rename(join(aside, archive), archivePath(cacheDirectory, listed));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The line of a failed client's output that says why, without its log noise. */
function clientMessage(error: unknown): string {
  const { stderr, message, code } = error as { stderr?: string; message: string; code?: unknown };
  if (code === 'ENOENT') return `${message}; is the package client installed?`;
  const lines = (stderr ?? '').split('\n').filter((line) => /^(npm (error|ERR!)|E:)/.test(line));
  return lines.slice(0, 2).join(' ') || message.split('\n')[0] || 'unknown failure';
}
