import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

/** A folder with the linter's configuration and one file per place, which holds one import per line. */
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cloze-imports-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('imports run one way', () => {
  const cases: [file: string, module: string, allowed: boolean][] = [
    ['extension/main.ts', 'vscode', true],
    ['extension/main.ts', 'vscode-languageclient/node', true],
    ['extension/main.ts', '../language-server/protocol.ts', true],
    ['extension/main.ts', '../language-server/settings.ts', false],
    ['extension/main.ts', '../language-server/completion/pipeline.ts', false],
    ['extension/main.ts', '../engine/index.ts', false],
    ['extension/main.ts', '../native/index.ts', false],
    ['language-server/server.ts', '../engine/index.ts', true],
    ['language-server/completion/shape.ts', '../../engine/infill/fill.ts', true],
    ['language-server/server.ts', 'vscode', false],
    ['language-server/server.ts', 'vscode-languageclient/node', false],
    ['language-server/server.ts', '../extension/main.ts', false],
    ['language-server/server.ts', '../native/index.ts', false],
    ['engine/infill/decode.ts', '../runtime/runtime.ts', true],
    ['engine/infill/decode.ts', 'vscode', false],
    ['engine/infill/decode.ts', 'vscode-languageserver/node', false],
    ['engine/infill/decode.ts', '../../language-server/protocol.ts', false],
    ['engine/infill/decode.ts', '../../extension/main.ts', false],
    ['engine/infill/decode.ts', '../../native/index.ts', false],
    ['engine/index.ts', '../native/index.ts', false],
    ['engine/native.ts', '../native/index.ts', true],
    ['engine/native.ts', '../language-server/protocol.ts', false],
    ['native/index.ts', '../engine/index.ts', false],
    ['media/lens/main.ts', '../../engine/objective/paradigms.ts', true],
    ['media/lens/main.ts', '../../language-server/protocol.ts', true],
    ['media/lens/main.ts', '../../engine/infill/trace.ts', false],
    ['media/lens/main.ts', '../../language-server/server.ts', false],
    ['media/lens/main.ts', '../../extension/lens.ts', false],
    ['media/lens/main.ts', 'vscode', false],
  ];

  const refused = lint(cases);

  it.each(cases)('%s imports %s: %s', (file, module, allowed) => {
    expect(refused.has(`${file} ${module}`)).toBe(!allowed);
  });
});

/** Lints all files at once; the `file module` pairs that the import-direction rule objects to. */
function lint(imports: [file: string, module: string, allowed: boolean][]): Set<string> {
  copyFileSync('biome.json', join(folder, 'biome.json'));
  const places = new Map<string, string[]>();
  for (const [file, module] of imports) places.set(file, [...(places.get(file) ?? []), module]);
  for (const [file, modules] of places) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), modules.map((module) => `import '${module}';\n`).join(''));
  }
  const biome = resolve('node_modules/@biomejs/biome/bin/biome');
  const options = ['lint', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=none'];
  const { stdout } = spawnSync(process.execPath, [biome, ...options], { cwd: folder, encoding: 'utf8' });
  const found = new Set<string>();
  for (const [, path = '', line = ''] of stdout.matchAll(/noRestrictedImports,file=([^,]+),line=(\d+)/g)) {
    const file = relative(folder, path).replaceAll('\\', '/');
    found.add(`${file} ${places.get(file)?.[Number(line) - 1]}`);
  }
  return found;
}
