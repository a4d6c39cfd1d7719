/**
 * Functions and the tests of them: a source file and the test file of the same package that is named after it, and in
 * the two a function and a test that calls it by its name.
 */
import type { CharacterRange } from './code-blanks.ts';
import { codeFunctions, linesOf } from './code-functions.ts';
import { familyOf, languageOf } from './corpus/language.ts';
import type { PackedCorpus } from './corpus/packed-corpus.ts';
import { isTestPath } from './corpus/quality.ts';

export interface TestPair {
  /** In the source text. */
  subject: CharacterRange;
  /** In the text of the tests. */
  test: CharacterRange;
}

/** Characters of a function's name: calls of shorter ones are too often those of another function. */
const SHORTEST_NAME = 4;

/**
 * Each test with the function that it calls: of several the one whose name its first line has, else the one called last,
 * since what only leads there comes first.
 */
export function testPairs(language: string, source: string, tests: string): TestPair[] {
  const functions = codeFunctions(language, source).flatMap(({ whole, name }) => {
    const word = source.slice(name.start, name.end);
    return word.length < SHORTEST_NAME
      ? []
      : [{ subject: whole, word, call: new RegExp(`(?<![\\w$])${escaped(word)}\\s*\\(`, 'g') }];
  });
  return testBlocks(language, tests).flatMap((test) => {
    const text = tests.slice(test.start, test.end);
    const title = text.slice(0, text.indexOf('\n'));
    const called = functions
      .map(({ subject, word, call }) => ({
        subject,
        at: [...text.matchAll(call)].at(-1)?.index ?? -1,
        named: Number(title.includes(word)),
      }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => b.named - a.named || b.at - a.at)[0];
    return called ? [{ subject: called.subject, test }] : [];
  });
}

function escaped(word: string): string {
  return word.replaceAll('$', '\\$');
}

const SCRIPT_TEST = /^\s*(?:it|test)(?:\.\w+)*\(\s*['"`].*(?:\{|=>|,)$/;

/** Single tests: calls of `test` and `it` over several lines; Python's functions whose names begin with `test`. */
function testBlocks(language: string, text: string): CharacterRange[] {
  if (language === 'python') {
    const isTest = ({ start, end }: CharacterRange) => /^test/.test(text.slice(start, end));
    return codeFunctions(language, text).flatMap(({ name, whole }) => (isTest(name) ? [whole] : []));
  }
  const lines = linesOf(text);
  return lines.flatMap((head, at) => {
    if (!SCRIPT_TEST.test(head.text)) return [];
    const last = lines.find(
      (line, index) => index > at && line.indentation >= 0 && line.indentation <= head.indentation,
    );
    if (!last || last.indentation !== head.indentation || !/^\s*\}?\)/.test(last.text)) return [];
    return [{ start: head.start + head.indentation, end: last.start + last.text.trimEnd().length }];
  });
}

/** A document's counterpart: the source file of a test file, or a test file of a source file. */
export interface Counterpart {
  source: number;
  tests: number;
}

const found = new WeakMap<PackedCorpus, ReadonlyMap<number, readonly Counterpart[]>>();

/** The pairs of files that document `index` is part of. All of a corpus are looked for once, by their names. */
export function counterparts(corpus: PackedCorpus, index: number): readonly Counterpart[] {
  let pairs = found.get(corpus);
  if (!pairs) {
    pairs = findCounterparts(corpus);
    found.set(corpus, pairs);
  }
  return pairs.get(index) ?? [];
}

function findCounterparts(corpus: PackedCorpus): Map<number, Counterpart[]> {
  const sources = new Map<string, number[]>();
  const tests: { index: number; key: string }[] = [];
  for (let index = 0; index < corpus.documents; index++) {
    const { path, package: name } = corpus.document(index);
    const subject = subjectOf(path);
    if (subject === undefined) continue;
    const key = `${name}\0${subject}`;
    if (isTestPath(path)) tests.push({ index, key });
    else sources.set(key, [...(sources.get(key) ?? []), index]);
  }
  const pairs = new Map<number, Counterpart[]>();
  for (const { index, key } of tests) {
    const own = sources.get(key) ?? [];
    // A name that several files have says nothing.
    if (own.length !== 1) continue;
    const pair = { source: own[0] as number, tests: index };
    for (const member of [pair.source, pair.tests]) pairs.set(member, [...(pairs.get(member) ?? []), pair]);
  }
  return pairs;
}

const SAYS_NOTHING = new Set(['index', 'main', 'utils', 'util', 'types', 'conftest', '__init__']);

/** Language and name of the file that a path is, or is the tests of: `foo` of foo.ts, foo.test.ts, test_foo.py, tests/foo.py. */
function subjectOf(path: string): string | undefined {
  const language = languageOf(path);
  if (language === undefined || familyOf(language) === 'other') return undefined;
  const file = path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');
  const name = isTestPath(path) ? file.replace(/^test_/i, '').replace(/[._-](tests?|spec)$/i, '') : file;
  if (name.length < SHORTEST_NAME || SAYS_NOTHING.has(name)) return undefined;
  return `${familyOf(language) === 'python' ? 'python' : 'script'}\0${name}`;
}
