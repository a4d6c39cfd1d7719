import { describe, expect, it } from 'vitest';
import { lineRule } from '../../../language-server/completion/lines.ts';
import { shapeSpan } from '../../../language-server/fill/span-shape.ts';
import { placeAt } from './text.ts';

interface Case {
  name: string;
  at: string;
  text: string;
  finish?: 'eop' | 'line' | 'length';
  gives: string;
}

const cases: Case[] = [
  { name: 'plain', at: 'const x = |;', text: '1', gives: '1' },
  { name: 'what follows is not said twice', at: 'f(|);', text: 'a);', gives: 'a' },
  { name: 'nor a whole rest of line', at: 'const x = | + other;', text: 'a + other;', gives: 'a' },
  { name: 'words stay apart', at: 'return |in list', text: 'value ', gives: 'value ' },
  { name: 'no space before a sign', at: 'f(|, b)', text: 'a ', gives: 'a' },
  { name: 'stopped: whole lines only', at: '|\nd', text: 'a\nb\nc', finish: 'length', gives: 'a\nb' },
  { name: 'the lines that were asked for', at: '|\nd', text: 'a\nb', finish: 'line', gives: 'a\nb' },
  { name: 'nothing but what follows', at: '|);', text: ');', gives: '' },
  { name: 'white space', at: 'x = |;', text: ' \n', gives: '' },
];

describe('the text of a blank', () => {
  it.each(cases)('$name', ({ at, text, finish = 'eop', gives }) => {
    const place = placeAt(at);
    expect(shapeSpan({ text, finish }, place, lineRule(place, 'always'))).toBe(gives);
  });

  it('has the line breaks of the document', () => {
    expect(shapeSpan({ text: '\n  a();\n', finish: 'eop' }, placeAt('{|\r\n}\r\n'), 'many')).toBe('\r\n  a();');
  });
});
