/**
 * Does this docstring describe this function: a function without its comment, and its own comment or that of another
 * function of the same file.
 */
import { type CodeFunction, codeFunctions } from '../../training/code-functions.ts';
import type { CorpusTask } from './corpus-task.ts';

const DESCRIPTION = { least: 30, most: 140 };
const CODE = { least: 60, most: 240 };
const WORDS = 4;
const DELIMITERS = { python: ['"""', '"""'], script: ['/**\n * ', '\n */'] } as const;

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
      // Turned round: the comment in its place beside the function, and without it.
      {
        text: ['{#path}src/index{extension}{#code}{label}'],
        verbalizers: { own: '{above}{mask}{below~}', other: '{opening}{mask}{closing}' },
        written: 'description',
        mask: 'sentence',
      },
      // The same per token.
      {
        text: ['{#path}src/index{extension}{#code}{label}'],
        verbalizers: { own: '{above}{mask}{below~}', other: '{opening}{mask}{closing}' },
        written: 'description',
        mask: 'sentence',
        lengthPenalty: 1,
      },
    ],
    plain: ['{description~}\n', '{code~}'],
  },
  draw({ path, text, language }, label, random) {
    if (language === 'other') return undefined;
    const described = codeFunctions(language, text).filter((own) => isDescribed(text, own));
    const [first, second] = random.shuffle(described);
    if (!first || !second) return undefined;
    const { head, rest } = aroundComment(text, first);
    const [own, other] = [commentOf(text, first), commentOf(text, second)];
    const code = head === '' ? rest : `${head}\n${rest}`;
    if (own === other || code.length < CODE.least) return undefined;
    const [opening, closing] = DELIMITERS[language === 'python' ? 'python' : 'script'];
    const indented = head === '' ? opening : `${/^\s*/.exec(rest)?.[0]}${opening}`;
    return {
      fields: {
        code: code.slice(0, CODE.most),
        description: (label === 1 ? own : other).slice(0, DESCRIPTION.most),
        extension: path.slice(path.lastIndexOf('.')),
        opening,
        closing,
        above: head === '' ? indented : `${head}\n${indented}`,
        below: `${closing}\n${rest.slice(0, Math.max(0, CODE.most - head.length))}`,
      },
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

/** The function without its comment, indented as it is: what stands before the comment's place, and after it. */
function aroundComment(text: string, { whole, description }: CodeFunction): { head: string; rest: string } {
  if (!description) return { head: '', rest: text.slice(whole.start, whole.end) };
  const head = text.slice(whole.start, description.start).trimEnd();
  const after = text.slice(description.end, whole.end).replace(/^\s*\n/, '');
  return { head, rest: head === '' ? after.trimStart() : after };
}
