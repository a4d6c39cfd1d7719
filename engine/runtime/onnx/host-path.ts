/** Finds the bundled `host.ts`: beside the running bundle, or in `dist/` when the sources run. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function hostPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, 'onnx-host.mjs'), join(here, '../../../dist/onnx-host.mjs')];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found) return found;
  throw new Error(`onnx-host.mjs was not found (looked for ${candidates.join(' and ')}). Build it with: npm run build`);
}
