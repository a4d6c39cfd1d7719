/**
 * Does this docstring describe this function: a function without its comment, and its own comment or that of another
 * function of the same file.
 */
import { type CodeFunction, codeFunctions } from '../../training/code-functions.ts';
import type { CorpusTask } from './corpus-task.ts';

const DESCRIPTION = { least: 30, most: 140 };
const CODE = { least: 60, most: 240 };
const WORDS = 4;

export const description: CorpusTask = {
  task: {
    name: 'description',
    labels: ['other', 'own'],
    metrics: ['accuracy', 'macro-f1'],
    patterns: [
      {
        text: ['{description~}\n{code~}', '\n// The comment above is{mask}'],
        verbalizers: { other: ' wrong', own: ' right' },
        mask: 'sentence',
      },
    ],
    plain: ['{description~}\n', '{code~}'],
  },
  draw({ text, language }, label, random) {
    if (language === 'other') return undefined;
    const described = codeFunctions(language, text).filter((own) => isDescribed(text, own));
    const [first, second] = random.shuffle(described);
    if (!first || !second) return undefined;
    const [code, own, other] = [codeOf(text, first), commentOf(text, first), commentOf(text, second)];
    if (own === other || code.length < CODE.least) return undefined;
    return {
      fields: { code: code.slice(0, CODE.most), description: (label === 1 ? own : other).slice(0, DESCRIPTION.most) },
      answer: label,
    };
  },
};

function isDescribed(text: string, own: CodeFunction): boolean {
  if (!own.description) return false;
  const words = commentOf(text, own);
  return words.length >= DESCRIPTION.least && words.split(/\s+/).length >= WORDS;
}

/** The comment's words: delimiters and what tools read (`@param`, `:param`) are taken away. */
function commentOf(text: string, { description }: CodeFunction): string {
  if (!description) return '';
  const inside = text
    .slice(description.start, description.end)
    .replace(/^[rR]?("""|''')|("""|''')$|^\/\*\*|\*\/$/g, '');
  const lines = inside.split('\n').map((line) => line.replace(/^\s*\*?\s?/, '').trim());
  const end = lines.findIndex((line) =>
    /^[@:]\w|^(Parameters|Returns|Notes|Examples?|Args):?$|^-{3,}$|^>>>/.test(line),
  );
  return (end < 0 ? lines : lines.slice(0, end)).filter(Boolean).join(' ');
}

/** The function without its comment, indented as it is. */
function codeOf(text: string, { whole, description }: CodeFunction): string {
  if (!description) return text.slice(whole.start, whole.end);
  const before = text.slice(whole.start, description.start).trimEnd();
  const after = text.slice(description.end, whole.end).replace(/^\s*\n/, '');
  return before === '' ? after.trimStart() : `${before}\n${after}`;
}
