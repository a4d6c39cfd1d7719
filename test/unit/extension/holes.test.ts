import { describe, expect, it } from 'vitest';
import { compileHoles, findHoles } from '../../../extension/fill/holes.ts';
import { blankTargets } from '../../../extension/fill/targets.ts';
import manifest from '../../../package.json' with { type: 'json' };

const sources = manifest.contributes.configuration.properties['cloze.fill.holes'].default;
const { patterns, problems } = compileHoles(sources);

describe('holes by the default setting', () => {
  it('compiles', () => expect(problems).toEqual([]));

  const cases: [text: string, found: [match: string, hint: string][]][] = [
    ['const x = …;', [['…', '']]],
    [
      'f(___, ____)',
      [
        ['___', ''],
        ['____', ''],
      ],
    ],
    ['a___ = ___b; __init__; $___', []],
    ['[...rest]', []],
    ['x = 1 // TODO: sort by name', [['// TODO: sort by name', '// TODO: sort by name']]],
    ['x = []  # TODO sort\ny = 2', [['# TODO sort', '# TODO sort']]],
    [
      'f(/* TODO: a\n * b */ 1, /* TODO */)',
      [
        ['/* TODO: a\n * b */', '/* TODO: a\n * b */'],
        ['/* TODO */', '/* TODO */'],
      ],
    ],
    ['// TODO: fill … and ___', [['// TODO: fill … and ___', '// TODO: fill … and ___']]],
    ['// TODOS are listed elsewhere', []],
    ['no hole at all', []],
  ];
  it.each(cases)('%j', (text, found) => {
    expect(findHoles(text, patterns).map(({ start, end, hint }) => [text.slice(start, end), hint])).toEqual(found);
  });
});

describe('holes by another setting', () => {
  it('names patterns that are wrong and uses the others', () => {
    const compiled = compileHoles(['(', '@@', 7]);
    expect(compiled.problems).toHaveLength(2);
    expect(compiled.problems[0]).toContain('"("');
    expect(findHoles('a @@ b', compiled.patterns)).toEqual([{ start: 2, end: 4, hint: '' }]);
  });

  it('passes over matches of nothing', () => {
    expect(findHoles('abc', compileHoles(['x*', '$']).patterns)).toEqual([]);
  });
});

describe('what becomes a blank', () => {
  /** `‹…›` is a selection, `|` a cursor; the answer has `[ ]` around each blank. */
  function targets(marked: string): string {
    const selections: { start: number; end: number }[] = [];
    let text = '';
    for (const character of marked) {
      if (character === '|') selections.push({ start: text.length, end: text.length });
      else if (character === '‹') selections.push({ start: text.length, end: -1 });
      else if (character === '›') (selections.at(-1) as { end: number }).end = text.length;
      else text += character;
    }
    let shown = '';
    let from = 0;
    for (const { start, end } of blankTargets(text, selections, patterns)) {
      shown += `${text.slice(from, start)}[${text.slice(start, end)}]`;
      from = end;
    }
    return shown + text.slice(from);
  }

  const cases: [name: string, marked: string, blanks: string][] = [
    ['a selection', 'const x = ‹1 + 2›;', 'const x = [1 + 2];'],
    ['several selections, in any order', 'f(‹a›, b, ‹c›)', 'f([a], b, [c])'],
    ['a cursor', 'const x = |;', 'const x = [];'],
    ['several cursors', 'f(|, |)', 'f([], [])'],
    ['the holes of the line at a cursor', 'a = …;\nf(___, …)|\nb = …;', 'a = …;\nf([___], […])\nb = …;'],
    ['the holes of a selection', '‹a = …;\nb = c;\nd = ___;›\ne = …;', 'a = […];\nb = c;\nd = [___];\ne = …;'],
    ['not the margins of selected lines', 'f() {\n‹  a();\n  b();\n›}', 'f() {\n  [a();\n  b();]\n}'],
    ['selected white space whole', 'a‹  ›b', 'a[  ]b'],
    ['each hole once', 'f(|___, |…)', 'f([___], […])'],
    ['a selection within which a hole lies only in part', 'f(_‹__›)', 'f(_[__])'],
    ['the first line', '|…\n…', '[…]\n…'],
    ['the end of the text', 'a\n|', 'a\n[]'],
    ['an empty first line', '|\n…', '[]\n…'],
  ];
  it.each(cases)('%s', (_, marked, blanks) => expect(targets(marked)).toBe(blanks));
});
