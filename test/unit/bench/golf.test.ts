/** The person of completion golf: what is counted decides which defaults are chosen. */
import { describe, expect, it } from 'vitest';
import { keysOf } from '../../../language-server/completion/lines.ts';
import type { Hole } from '../../bench/golf/holes.ts';
import { hastyPart, type Person, rightPart, typeAgain } from '../../bench/golf/typist.ts';

const hole: Hole = {
  path: 'a.ts',
  language: 'typescript',
  scene: 'middle',
  before: 'f() {\n  ',
  typed: 'return a;\n  b();',
  after: '\n}\n',
};

/** A pipeline that says what `says` gives for the text before the cursor. */
function pipelineOf(says: (before: string) => string) {
  let text = '';
  return {
    hold: (document: { getText(): string }) => {
      text = document.getText();
    },
    pipeline: {
      async complete({ position }: { position: { line: number; character: number } }) {
        const lines = text.split('\n').slice(0, position.line);
        const line = text.split('\n')[position.line]?.slice(0, position.character) ?? '';
        const insertText = says([...lines, line].join('\n'));
        return insertText === '' ? [] : [{ insertText, range: { start: position, end: position } }];
      },
    },
  };
}
const play = (says: (before: string) => string, person: Person = 'careful') =>
  typeAgain({ hole, uri: 'file:///a.ts', person, ...pipelineOf(says) });

describe('what the person takes', () => {
  it.each([
    ['return a;', 'return a;\n  b();', 9, 1],
    ['return a;\n  c();', 'return a;\n  b();', 9, 1],
    ['return a;\n  b();', 'return a;\n  b();', 16, 1],
    ['return b;', 'return a;', 6, 1],
    ['a.b(x)', 'a.b(y)', 4, 4],
    ['ret', 'return a;', 0, 0],
    [';', ';', 0, 0],
    ['no', 'yes', 0, 0],
    ['', 'yes', 0, 0],
  ])('of %j before %j', (suggestion, rest, length, keys) => {
    const saves = keysOf(suggestion.slice(0, length)) > keys;
    expect(rightPart(suggestion, rest)).toEqual({ ...(saves ? { length, keys } : { length: 0, keys: 0 }), deleted: 0 });
  });
});

describe('what a hasty person takes', () => {
  it.each([
    ['return b;', 'return a;', 7, 3, 2],
    ['return a;', 'return a;', 9, 1, 0],
    ['return a;\n  c(x);', 'return a;\n  b();', 12, 5, 5],
    ['no', 'yes', 0, 0, 0],
    ['ret', 'return a;', 0, 0, 0],
  ])('of %j before %j', (suggestion, rest, length, keys, deleted) => {
    expect(hastyPart(suggestion, rest)).toEqual({ length, keys, deleted });
  });
});

describe('keys', () => {
  it('are one a character, none for indentation', () => {
    expect(keysOf('a\n    b 😀')).toBe(5);
  });

  it('are all pressed where nothing is suggested', async () => {
    expect(await play(() => '')).toMatchObject({ keys: 14, pressed: 14, shown: 0, flickers: 0 });
  });

  it('are saved by what is right, and counted where it is wrong', async () => {
    const says = (before: string) => (before.endsWith('  ') && !before.includes('return') ? 'return a;' : 'zzz');
    expect(await play(says)).toMatchObject({ keys: 14, pressed: 6, accepted: 1, partly: 0, wrong: 5 });
  });

  it('are pressed for what is deleted again', async () => {
    const says = (before: string) => (before.endsWith('{\n  ') ? 'return b + 1;' : '');
    expect(await play(says, 'hasty')).toMatchObject({
      pressed: 1 + 4 + 7,
      accepted: 1,
      deleted: 1,
      deletedCharacters: 6,
    });
  });

  it('typed through a suggestion that stays show it once; one that changes flickers', async () => {
    const whole = 'return a;';
    const stays = (before: string) => whole.slice(before.length - hole.before.length);
    expect(await play(stays, 'idle')).toMatchObject({ shown: 1, flickers: 0 });
    const changes = (before: string) => (before.endsWith('ret') ? 'urn b;' : stays(before));
    expect(await play(changes, 'idle')).toMatchObject({ shown: 3, flickers: 2 });
  });
});
