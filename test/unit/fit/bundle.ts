/** Programs of these tests, each to be run in a process of its own, whose memory is measured. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Path of the program; `home` is a folder of the test's own, where it finds the addon. */
export async function bundleProgram(home: string, name: string): Promise<string> {
  const program = join(home, 'bundle', `${name}.mjs`);
  await build({
    entryPoints: [join(root, `test/unit/fit/${name}.ts`)],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['onnxruntime-node', '*.node'],
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);`,
    },
  });
  symlinkSync(join(root, 'native'), join(home, 'native'));
  return program;
}
