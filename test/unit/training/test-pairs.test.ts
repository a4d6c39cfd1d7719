import { expect, it } from 'vitest';
import type { PackedCorpus } from '../../../engine/training/corpus/packed-corpus.ts';
import { counterparts, testPairs } from '../../../engine/training/test-pairs.ts';

const pick = (source: string, tests: string, language: string) =>
  testPairs(language, source, tests).map(({ subject, test }) => [
    source.slice(subject.start, subject.end).split('\n')[0],
    tests.slice(test.start, test.end),
  ]);

it('finds the function that a test calls last', () => {
  const source = [
    'export function parseLine(text: string) {\n  return text.trim();\n}',
    'export const $format = (line: string) => {\n  return line;\n};',
    'function run() {\n  return 1;\n}\n',
  ].join('\n\n');
  const first = "test('reads', () => {\n    expect(parseLine(' a')).toBe('a');\n  });";
  const second =
    "it.skip('writes', async () => {\n    const line = parseLine('a');\n    expect($format(line)).toBe(run());\n  });";
  const third = "it('is about something else', () => {\n    expect(reparseLine(1)).toBe(run());\n  });";
  const tests = `describe('lines', () => {\n  ${first}\n\n  ${second}\n\n  ${third}\n});\n`;
  expect(pick(source, tests, 'typescript')).toEqual([
    ['export function parseLine(text: string) {', first],
    ['export const $format = (line: string) => {', second],
  ]);
});

it('finds the function that the title names before the last one', () => {
  const source = 'function openFile() {\n  return 1;\n}\nfunction readFile() {\n  return 2;\n}\n';
  const own = "it('openFile gives what can be read', () => {\n  readFile(openFile());\n  readFile();\n});";
  expect(pick(source, own, 'javascript')).toEqual([['function openFile() {', own]]);
});

it('finds the tests of Python', () => {
  const source = 'def read_all(path):\n    """Reads."""\n    return open(path).read()\n';
  const own = 'def test_read(self):\n        assert read_all("x") == "y"';
  const tests = `class TestRead:\n    def helper(self):\n        return read_all("x")\n\n    ${own}\n`;
  expect(pick(source, tests, 'python')).toEqual([['def read_all(path):', own]]);
});

const pairsOf = (paths: readonly string[]): string[] => {
  const corpus: PackedCorpus = {
    documents: paths.length,
    tokens: paths.length,
    document: (index) => {
      const [owner = '', path = ''] = (paths[index] as string).split(':');
      return { path, package: owner, language: 'typescript', tokens: new Uint16Array(1) };
    },
    documentAt: (position) => position,
    samePackage: () => [],
  };
  return paths.flatMap((path, index) =>
    counterparts(corpus, index).map(({ source, tests }) => {
      expect([source, tests]).toContain(index);
      return `${path} - ${paths[source === index ? tests : source]}`;
    }),
  );
};

it.each([
  ['a:src/words.ts', 'a:src/words.test.ts'],
  ['a:src/words.ts', 'a:src/__tests__/words.tsx'],
  ['a:lib/words.js', 'a:test/words-spec.js'],
  ['a:pkg/words.py', 'a:pkg/tests/test_words.py'],
  ['a:pkg/words.py', 'a:pkg/words_test.py'],
])('%s has %s', (source, tests) => {
  expect(pairsOf([source, tests])).toEqual([`${source} - ${tests}`, `${tests} - ${source}`]);
});

it.each([
  [['a:src/words.ts', 'b:src/words.test.ts']],
  [['a:src/words.py', 'a:src/words.test.ts']],
  [['a:src/index.ts', 'a:src/index.test.ts']],
  [['a:src/words.ts', 'a:lib/words.ts', 'a:test/words.test.ts']],
  [['a:src/words.ts', 'a:src/lines.test.ts']],
])('%j are no pair', (paths) => {
  expect(pairsOf(paths)).toEqual([]);
});
