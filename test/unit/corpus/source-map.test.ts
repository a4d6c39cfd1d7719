import { expect, test } from 'vitest';
import { mappedSources } from '../../../engine/training/corpus/source-map.ts';

const map = (sources: unknown, sourcesContent: unknown, sourceRoot?: string) =>
  JSON.stringify({ version: 3, sources, sourcesContent, sourceRoot, mappings: '' });

test('paths are made relative to the package', () => {
  expect(mappedSources('dist/esm/a.js.map', map(['../../src/a.ts'], ['let a;']))).toEqual([
    { path: 'src/a.ts', text: 'let a;' },
  ]);
  expect(mappedSources('scene.js.map', map(['../../../dev/core/src/scene.ts'], ['x']))[0]?.path).toBe(
    'dev/core/src/scene.ts',
  );
  expect(mappedSources('dist/a.js.map', map(['a.ts'], ['x'], '../source/'))[0]?.path).toBe('source/a.ts');
  expect(mappedSources('a.js.map', map(['webpack:///./src/b.ts'], ['x']))[0]?.path).toBe('src/b.ts');
});

test('other packages, virtual modules and absent texts are left out', () => {
  const sources = ['../node_modules/x/a.ts', 'a.vue?vue&type=script', 'b.ts', 5];
  expect(mappedSources('dist/a.js.map', map(sources, ['x', 'x', null, 'x']))).toEqual([]);
});

test('what is not a source map gives nothing', () => {
  for (const text of ['', '{', 'null', '[]', '{"sources":["a.ts"]}']) expect(mappedSources('a.map', text)).toEqual([]);
});
