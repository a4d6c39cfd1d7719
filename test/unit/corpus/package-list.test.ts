import { expect, test } from 'vitest';
import { packageFileStem, parsePackageList } from '../../../engine/training/corpus/package-list.ts';
import packages from '../../../engine/training/corpus/packages.json' with { type: 'json' };

test('the list of the project is in order, with at least a dozen packages held out', () => {
  const list = parsePackageList(packages);
  expect(list.length).toBeLessThan(220);
  expect(list.filter((listed) => listed.split === 'heldout').length).toBeGreaterThanOrEqual(12);
  expect(new Set(list.map(packageFileStem)).size).toBe(list.length);
});

test('entries are read with scope and version', () => {
  const list = parsePackageList({ npm: { train: ['@a/b@1.2.3'] }, debian: { heldout: ['python3-x=1:2.0-1+deb12u1'] } });
  expect(list).toEqual([
    { source: 'npm', name: '@a/b', version: '1.2.3', split: 'train' },
    { source: 'debian', name: 'python3-x', version: '1:2.0-1+deb12u1', split: 'heldout' },
  ]);
  expect(list.map(packageFileStem)).toEqual(['npm-a-b-1.2.3', 'debian-python3-x-1-2.0-1+deb12u1']);
});

test.each([
  ['not an object', 3],
  ['nothing', {}],
  ['no version', { npm: { train: ['left'] } }],
  ['a way out of the cache', { npm: { train: ['../../etc@1'] } }],
  ['an option in place of a name', { npm: { train: ['--registry@1'] } }],
  ['twice', { npm: { train: ['a@1', 'a@2'] } }],
  ['not an array', { npm: { train: 'a@1' } }],
])('refuses a list with %s', (_, list) => {
  expect(() => parsePackageList(list)).toThrow(/package list/);
});
