import { describe, expect, it } from 'vitest';
import type { FinishReason } from '../../../engine/infill/fill.ts';
import { lineRule } from '../../../language-server/completion/lines.ts';
import { shape } from '../../../language-server/completion/shape.ts';
import { placeAt } from './text.ts';

interface Case {
  name: string;
  at: string;
  text: string;
  finish?: FinishReason;
  gives: string;
}

const cases: Case[] = [
  { name: 'plain', at: 'const x = |', text: '1;', gives: '1;' },
  { name: 'trailing white space', at: 'const x = |', text: '1;  \n  \n', gives: '1;' },
  { name: 'white space only', at: 'const x = |', text: ' \n\t\n', gives: '' },
  { name: 'second space', at: 'const x = |', text: ' 1;', gives: '1;' },
  { name: 'several lines', at: 'if (a) {|', text: '\n  b();\n}', gives: '\n  b();\n}' },
  { name: 'carriage returns', at: 'if (a) {|', text: '\r\n  b();\r\n}', gives: '\n  b();\n}' },
  { name: 'one line before other text', at: 'a = |+ c;', text: 'b\n  d();', gives: 'b' },
  { name: 'a line break first, before other text', at: 'a = |+ c;', text: '\nb', gives: '' },
  { name: 'stopped: whole lines only', at: '|', text: 'a();\nb();\nccc', finish: 'length', gives: 'a();\nb();' },
  { name: 'stopped: whole words only', at: 'x = |', text: 'foo(bar, ba', finish: 'time', gives: 'foo(bar,' },
  { name: 'stopped in the only word by its length', at: 'x = |', text: 'foob', finish: 'length', gives: 'foob' },
  { name: 'stopped in the only word by the clock', at: 'x = |', text: 'foob', finish: 'time', gives: '' },
  { name: 'stopped by the clock in a line', at: 'f(|, y)', text: 'one, tw', finish: 'time', gives: 'one,' },
  { name: 'stopped by the clock in a new line', at: 'if (a) {|', text: '\n  ca', finish: 'time', gives: '' },
  {
    name: 'tabs of the document',
    at: 'if (a) {\n\tb();\n\tif (c) {|\n',
    text: '\n        d();\n    }',
    gives: '\n\t\td();\n\t}',
  },
  {
    name: 'spaces of the document',
    at: 'if (a) {\n  b();\n  if (c) {|\n',
    text: '\n\t\td();\n\t}',
    gives: '\n    d();\n  }',
  },
  { name: 'the next line again', at: 'a();\n|\nb();', text: 'b();', gives: '' },
  { name: 'runs into the next line', at: 'a();\n|\nc();', text: 'b();\nc();', gives: 'b();' },
  { name: 'rest of the line, then the next', at: 'foo(|\nc();', text: 'a);\nc();\nd();', gives: 'a);' },
  { name: 'closes the block that is closed', at: 'f() {\n  |\n}', text: 'a();\n}', gives: 'a();' },
  {
    name: 'inner closer is not the outer',
    at: 'f() {\n  if (a) {|\n}',
    text: '\n    b();\n  }',
    gives: '\n    b();\n  }',
  },
  { name: 'the previous line again', at: 'log(a);\n|', text: 'log(a);', gives: '' },
  { name: 'the previous line again, half typed', at: 'log(a);\nlog(|', text: 'a);', gives: '' },
  { name: 'the previous two lines again', at: 'a();\nb();\n|', text: 'a();\nb();', gives: '' },
  { name: 'a closer may follow a closer', at: '  }\n|', text: '}', gives: '}' },
  { name: 'the same line three times', at: '|', text: 'a();\nb();\nb();\nb();\nb();', gives: 'a();\nb();' },
  { name: 'a pair of lines three times', at: '|', text: 'a();\nb();\na();\nb();\na();\nb();', gives: 'a();\nb();' },
  { name: 'words over and over', at: 'x = |', text: 'foo(foo(foo(foo(foo(foo(', gives: 'foo(' },
  {
    name: 'a ruler is no repetition',
    at: '// |',
    text: '==========================',
    gives: '==========================',
  },
];

describe('what may be shown', () => {
  it.each(cases)('$name', ({ at, text, finish = 'eop', gives }) => {
    const place = placeAt(at);
    expect(shape({ text, finish }, place, lineRule(place, 'auto'))).toBe(gives);
  });
});

describe('one line or many', () => {
  const rules: [at: string, auto: string, always: string, never: string][] = [
    ['|', 'many', 'many', 'one'],
    ['const x = |', 'many', 'many', 'one'],
    ['const x = |  ', 'many', 'many', 'one'],
    ['f(() => {|});', 'many', 'many', 'one'],
    ['foo(|)', 'many', 'many', 'one'],
    ['foo(bar|)', 'one', 'many', 'one'],
    ['say("hello|");', 'one', 'many', 'one'],
    ['const | = 1;', 'one', 'one', 'one'],
    ['a |b', 'one', 'one', 'one'],
  ];
  it.each(rules)('%s', (at, auto, always, never) => {
    const place = placeAt(at);
    expect([lineRule(place, 'auto'), lineRule(place, 'always'), lineRule(place, 'never')]).toEqual([
      auto,
      always,
      never,
    ]);
  });
});
