/** What is found in source text, and what is not taken for it. */
import { describe, expect, it } from 'vitest';
import { codeFunctions, commentedLines } from '../../../engine/training/code-functions.ts';
import { instructionsIn } from '../../../engine/training/instruction-samples.ts';

const pick = (text: string, range: { start: number; end: number } | undefined) =>
  range && text.slice(range.start, range.end);

const SCRIPT = `/** Adds two numbers. */
export const addUp = (a: number, b: number): number => {
  return a + b;
};

class Box {
  /**
   * Opens the box.
   */
  async openLid(
    slowly: boolean,
  ): Promise<void> {
    if (slowly) {
      wait();
    }
  }

  close() {}

  private static make(size: number): Box {
    return new Box(size);
  }
}

function unfinished() {
  if (x) {
`;

const PYTHON = `def load_all(paths,
             strict=False):
    """Load all files.

    In order.
    """
    result = []
    for path in paths:
        result.append(read(path))

    return result

class Store:
    async def put(self, key): # noqa
        '''Put a key.'''
        self.keys.add(key)

    def bare(self):
        return """a
string"""
`;

describe('functions', () => {
  it('of TypeScript and JavaScript have name, comment and body', () => {
    const found = codeFunctions('typescript', SCRIPT);
    expect(
      found.map(({ name, description, body }) => [pick(SCRIPT, name), pick(SCRIPT, description), pick(SCRIPT, body)]),
    ).toEqual([
      ['addUp', '/** Adds two numbers. */', 'return a + b;'],
      ['make', undefined, 'return new Box(size);'],
    ]);
    const whole = pick(SCRIPT, found[0]?.whole);
    expect(whole?.startsWith('/** Adds')).toBe(true);
    expect(whole?.endsWith('};')).toBe(true);
  });

  it('of Python have name, docstring and body', () => {
    const found = codeFunctions('python', PYTHON);
    expect(
      found.map(({ name, description, body }) => [
        pick(PYTHON, name),
        pick(PYTHON, description),
        pick(PYTHON, body)?.split('\n')[0],
      ]),
    ).toEqual([
      ['load_all', '"""Load all files.\n\n    In order.\n    """', 'result = []'],
      ['put', "'''Put a key.'''", 'self.keys.add(key)'],
      ['bare', undefined, 'return """a'],
    ]);
    expect(pick(PYTHON, found[0]?.whole)?.endsWith('return result')).toBe(true);
  });
});

describe('comments', () => {
  it('are those that stand alone above lines of their block', () => {
    const text =
      'f() {\n  // one\n  // two\n  a();\n  b();\n}\n\n// alone\n\n// short\nc();\nlet d; // beside\nd();\ne();\n';
    const found = commentedLines('javascript', text);
    expect(found.map(({ comment, lines }) => [pick(text, comment), pick(text, lines)])).toEqual([
      ['// one\n  // two', '  a();\n  b();'],
      ['// short', 'c();\nlet d; // beside\nd();\ne();'],
    ]);
    const python = '# why the next two lines are here\na = 1\nb = 2\n\nc = 3\n';
    expect(commentedLines('python', python).map(({ lines }) => pick(python, lines))).toEqual(['a = 1\nb = 2']);
  });
});

describe('what is asked', () => {
  const tasks = (language: string, text: string) => instructionsIn(language, text).map(({ task }) => task);

  it.each([
    ['a tool reads the comment', '// eslint-disable-next-line no-console because it is a test\na();\nb();\n'],
    ['the comment is code', '// const value = compute(the, old, way);\na();\nb();\n'],
    ['the comment says too little', '// next one\na();\nb();\n'],
    [
      'the comment is not in Latin letters',
      `// ${'これは次の行の説明です'.repeat(3)} of the next lines here\na();\nb();\n`,
    ],
    [
      'the name stands in the comment',
      '/** It is sumUp that adds all of them. */\nfunction sumUp(a) {\n  return a.reduce((total, next) => total + next, 0);\n}\n',
    ],
    ['the name is one word', 'function sum(list) {\n  return list.reduce((total, next) => total + next, 0);\n}\n'],
  ])('is no comment and no name where %s', (_, text) => {
    const found = tasks('typescript', text);
    expect(found).not.toContain('comment');
    expect(found).not.toContain('name');
  });

  it('is everything that a described function has', () => {
    const text =
      '/** Adds all numbers of a list together. */\nfunction addAll(list) {\n  return list.reduce((total, next) => total + next, 0);\n}\n';
    expect(tasks('javascript', text)).toEqual(['document', 'implement', 'name']);
  });
});
