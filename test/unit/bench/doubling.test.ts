import { expect, it } from 'vitest';
import { isDoubled } from '../../bench/held-out/doubling.ts';

it.each<[name: string, completion: string, expected: string, after: string, doubled: boolean]>([
  ['nothing', 'sum(a)', 'sum(b)', ';\n', false],
  ['a word', 'value + total', 'value + ', 'total;\n', true],
  ['half a word', 'console', 'con', 'sole.log(1);\n', true],
  ['a letter, which may be chance', 'ab', 'xy', 'bc\n', false],
  ['a letter after a bracket that closes what was open before', '}\n\nb', 'xy', 'bc\n', false],
  ['a bracket that is closed already', 'foo(a))', 'foo(a)', ');\n', true],
  ['a bracket of its own beside one that follows', 'foo(a)', 'bar', ');\n', false],
  ['two where the text has two', 'g(b)', 'f(a)', ');\n', false],
  ['a line', '  a();\n  b();', '  a();', '\n  b();\n}\n', true],
  ['a line with its break', '  a();\n  return b;\n', '  a();\n', '  return b;\n', true],
  ['a line at the same place', 'a();\n  return b;', 'a();\n  ', 'return b;\n', true],
  ['a line break alone', 'a();\n', 'a();', '\nb();', false],
  ['what the text itself repeats', 'x = total', 'y = total', 'total', false],
])('%s', (_, completion, expected, after, doubled) => {
  expect(isDoubled(completion, expected, after)).toBe(doubled);
});
