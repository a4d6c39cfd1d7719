/** VS Code's workbench with the installed package and a copy of the sample workspace, in a headless browser. */
import { cpSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { inject } from 'vitest';
import { openPage } from './browser-page.ts';
import { installChromium } from './chromium-install.ts';
import { installVsCode } from './vscode-install.ts';
import { type ServerOptions, startVsCodeServer } from './vscode-server.ts';

export interface Workbench {
  url: string;
  page: Page;
  /** The copy of the sample workspace that is open. */
  workspace: string;
  /** Holds all of this run: `sample`, and what VS Code keeps in `vscode`, its logs under `vscode/data/logs`. */
  folder: string;
  dispose(): Promise<void>;
}

/** What the workbench is opened with beside its settings. */
export type Opening = Pick<ServerOptions, 'others' | 'language' | 'installed' | 'roots'> & {
  /** Changes the copy of the workspace before it is opened. */
  prepare?: (workspace: string) => void;
  /** The environment of VS Code and all that it starts, over that of the tests; given the folder of this run. */
  env?: (folder: string) => Record<string, string>;
};

/** `project` is the root of this project; `settings` are put over quiet defaults. */
export async function openWorkbench(
  project: string,
  settings: Record<string, unknown> = {},
  { prepare, env, ...opening }: Opening = {},
): Promise<Workbench> {
  const say = (line: string): void => console.log(`cloze: ${line}`);
  const vscode = await installVsCode(say);
  const chromium = await installChromium(say);
  const folder = mkdtempSync(join(tmpdir(), 'cloze-editor-'));
  const workspace = join(folder, 'sample');
  const cleanUp: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const dispose = async (): Promise<void> => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  };
  try {
    cpSync(join(project, 'test/editor/sample-workspace'), workspace, { recursive: true });
    prepare?.(workspace);
    const server = await startVsCodeServer(vscode, {
      project,
      workspace,
      folder,
      // Everything is shown: what a test waits for must not depend on how sure the model that ships happens to be.
      settings: { 'cloze.completion.threshold': 0, ...settings },
      vsix: inject('vsix'),
      ...(env ? { env: env(folder) } : {}),
      ...opening,
    });
    cleanUp.push(server.dispose);
    const browser = await openPage(chromium, server.url);
    cleanUp.push(browser.dispose);
    return { url: server.url, page: browser.page, workspace, folder, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
