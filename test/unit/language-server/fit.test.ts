import { describe, expect, it } from 'vitest';
import { fitToLine } from '../../../language-server/completion/fit.ts';
import { placeAt } from './text.ts';

/** Document, completion, document after accepting; the cursor is `|` in both. `undefined`: nothing is shown. */
const cases: [name: string, before: string, completion: string, after: string | undefined][] = [
  ['end of line', 'const x = |', '1;', 'const x = 1;|'],
  ['nothing', 'const x = |', '', undefined],
  ['white space only', 'const x = |', '  ', undefined],
  ['types over a closer', 'foo(|)', 'bar)', 'foo(bar)|'],
  ['leaves a closer that it does not close', 'foo(|)', 'bar', 'foo(bar|)'],
  ['balanced brackets are its own', 'foo(|)', 'bar(x)', 'foo(bar(x)|)'],
  ['no statement end before a closer', 'foo(|)', 'bar(x);', 'foo(bar(x)|)'],
  ['goes on after the closer', 'if (|)', 'ready) {', 'if (ready) {|'],
  ['closer and semicolon', 'foo(|);', 'bar);', 'foo(bar);|'],
  ['semicolon that is not said stays', 'foo(|);', 'bar)', 'foo(bar)|;'],
  ['two closers', 'foo(bar(|))', 'x))', 'foo(bar(x))|'],
  ['one of two closers', 'foo(bar(|))', 'x)', 'foo(bar(x)|)'],
  ['only closers that are there', 'foo(|)', ')', undefined],
  ['quote', 'say("|")', 'hello")', 'say("hello")|'],
  ['quote stays', 'say("|")', 'hello', 'say("hello|")'],
  ['string of its own', 'say(|)', '"hello"', 'say("hello"|)'],
  ['before a string', 'say(|"x")', 'a, ', 'say(a, |"x")'],
  ['spaces before the closer', 'const a = { | }', 'b: 1 }', 'const a = { b: 1 }|'],
  ['replaced text must reappear', 'const a = { | };', 'b: 1};', 'const a = { b: 1| };'],
  ['repeats all that follows', 'const c = |+ b;', 'a + b;', 'const c = a + b;|'],
  [
    'repeats words that follow',
    'function f(|name: string) {',
    'first: number, name',
    'function f(first: number, name|: string) {',
  ],
  ['a shared letter is chance', 'const |name = 1;', 'thin', 'const thin|name = 1;'],
  ['only what follows', 'return |value;', 'value;', undefined],
  ['block around closer', '  run(() => {|});', '\n    go();\n  });', '  run(() => {\n    go();\n  });|'],
  ['block without closer', '  run(() => {|});', '\n    go();', '  run(() => {\n    go();\n  |});'],
];

describe('what is right of the cursor', () => {
  it.each(cases)('%s', (_, before, completion, after) => {
    const place = placeAt(before);
    const fitted = fitToLine(completion, place);
    const accepted = fitted && `${place.left}${fitted.text}|${place.right.slice(fitted.replaces)}`;
    expect(accepted).toBe(after);
  });

  it.each(cases)('replaces only text that reappears in order: %s', (_, before, completion) => {
    const place = placeAt(before);
    const fitted = fitToLine(completion, place);
    let at = -1;
    for (const character of place.right.slice(0, fitted?.replaces ?? 0)) {
      at = fitted?.text.indexOf(character, at + 1) ?? -1;
      expect(at).toBeGreaterThanOrEqual(0);
    }
  });
});
