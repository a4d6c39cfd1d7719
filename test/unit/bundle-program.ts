/** Programs of tests, each to be run in a process of its own: to be measured, or killed. */
import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Path of the program made of a file beside the tests, such as `fit/resident`; in `home`, a folder of the test's own, it finds the addon. */
export async function bundleProgram(home: string, name: string): Promise<string> {
  const program = join(home, 'bundle', `${basename(name)}.mjs`);
  await build({
    entryPoints: [join(root, `test/unit/${name}.ts`)],
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
