/** Packs the extension once for all tests in VS Code: what they install is what a user installs. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { writeVsix } from '../../packaging/vsix.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the package. */
    vsix: string;
  }
}

export async function setup(project: TestProject): Promise<void> {
  const folder = join(process.cwd(), 'test/output');
  mkdirSync(folder, { recursive: true });
  // The bundles are what `npm run build` made.
  const { path } = await writeVsix(process.cwd(), { os: process.platform, cpu: process.arch }, folder);
  project.provide('vsix', path);
}
