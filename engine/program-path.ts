/** Finds a program of its own in the bundle, for a worker or a process: beside the running bundle, or in `dist/` when the sources run. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function programPath(name: 'cloze.mjs' | 'onnx-host.mjs' | 'template-host.mjs'): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, name), join(here, '../dist', name)];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found) return found;
  throw new Error(`${name} was not found (looked for ${candidates.join(' and ')}). Build it with: npm run build`);
}
