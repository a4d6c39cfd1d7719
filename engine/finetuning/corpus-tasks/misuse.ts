/**
 * Which variable belongs here (arXiv 1711.00740): a use of a variable is taken out, and two other variables that occur
 * before it are the wrong answers.
 */
import type { Random } from '../../objective/random.ts';
import type { CorpusTask } from './corpus-task.ts';

const BEFORE = 180;
const AFTER = 60;
const CANDIDATES = 3;
/** A name that begins like a variable's and is not a property, not called, no key and no type. */
const NAME = /(?<![.\w$'"`@#/-])[a-z_$][\w$]*(?![\w$'"`]|\s*[(:=]|\s+[a-z])/g;
const NO_CODE = /"[^"\n]*"|'[^'\n]*'|`[^`]*`|\/\/.*|#.*|^\s*\*.*|\/\*[\s\S]*?\*\//gm;
const KEYWORDS = new Set(
  `abstract and any as assert async await bool boolean break case catch class const constructor continue debugger def
  default del delete dict do elif else enum except export extends False false final finally float for from function get
  global if implements import in infer instanceof int interface is keyof lambda len let list never new None nonlocal not
  null number object of or package pass private protected public raise readonly return self set static str string super
  switch symbol this throw True true try tuple type typeof undefined unknown var void while with yield`.split(/\s+/),
);

export const misuse: CorpusTask = {
  task: {
    name: 'misuse',
    labels: [],
    metrics: ['accuracy'],
    patterns: [
      // The blank as an editor would leave it.
      { text: ['{before}{mask}{after~}'], mask: 'sentence' },
      // The same under the header that is there in the editor.
      { text: ['{#path}src/index{#code}{before}{mask}{after~}'], mask: 'sentence' },
      { text: ['{#path}src/index{#code}{before}{mask}{after~}'], mask: 'token' },
    ],
    plain: ['{before}{candidate}{after~}'],
  },
  draw({ text, language }, _label, random) {
    if (language === 'other') return undefined;
    const from = random.below(Math.max(1, text.length - BEFORE));
    const start = text.indexOf('\n', from) + 1;
    const window = text.slice(start, start + BEFORE);
    const code = window.replace(NO_CODE, (piece) => ' '.repeat(piece.length));
    const uses = [...code.matchAll(NAME)].filter(([name]) => !KEYWORDS.has(name) && name.length > 1);
    const place = pick(uses.slice(2), random);
    if (!place) return undefined;
    const name = place[0];
    const earlier = new Set(uses.filter(({ index }) => index < place.index).map(([own]) => own));
    if (!earlier.delete(name) || earlier.size < CANDIDATES - 1) return undefined;
    const wrong = random.shuffle([...earlier]).slice(0, CANDIDATES - 1);
    const candidates = random.shuffle([name, ...wrong]);
    const end = start + place.index + name.length;
    // A space before a word belongs to the word's token.
    const space = window[place.index - 1] === ' ' ? ' ' : '';
    const rest = text.slice(end, end + AFTER);
    return {
      fields: {
        before: window.slice(0, place.index - space.length),
        after: rest.includes('\n') ? rest.slice(0, rest.lastIndexOf('\n')) : rest,
      },
      candidates: candidates.map((candidate) => space + candidate),
      answer: candidates.indexOf(name),
    };
  },
};

function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items.length === 0 ? undefined : items[random.below(items.length)];
}
