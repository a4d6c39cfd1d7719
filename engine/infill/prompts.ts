/**
 * Prompts that make a causal GLM fill a blank: which control tokens, in which order. Whoever renders them puts control
 * tokens in by id, or breaks up text that names one; text is never taken for a control token.
 */
import type { Neighbour, Passage } from './fill.ts';

/** `before` and `after` are the text around the blank, which is cut to what there is room for. */
export type PromptPart = { control: string } | { text: string } | { slot: 'before' | 'after' };

/** What a prompt is made of, beside the text around the blank. */
export interface PromptText extends Pick<Passage, 'path' | 'languageId'> {
  neighbours: readonly Neighbour[];
  singleLine: boolean;
}

export type PromptTemplate = (text: PromptText) => PromptPart[];

/** A reference to another file as CodeGeeX4 reads it. */
export function codeGeeX4Reference({ path, text }: Neighbour): string {
  return `###REFERENCE:\n###PATH:${path}\n${text}\n`;
}

/**
 * CodeGeeX4-ALL-9B (CodeGeeX4, guides/Infilling_guideline.md): other files as references, the suffix before the prefix,
 * within one turn of the chat.
 */
export const codeGeeX4Prompt: PromptTemplate = ({ path, languageId, neighbours, singleLine }) => {
  const references = neighbours.map(codeGeeX4Reference).join('');
  const head = `###PATH:${path}\n###LANGUAGE:${languageId}\n###MODE:${singleLine ? 'LINE' : 'BLOCK'}\n`;
  return [
    { control: '<|user|>' },
    { text: `\n${references}${head}` },
    { control: '<|code_suffix|>' },
    { slot: 'after' },
    { control: '<|code_prefix|>' },
    { slot: 'before' },
    { control: '<|code_middle|>' },
    { control: '<|assistant|>' },
    { text: '\n' },
  ];
};

/**
 * GLM-4.5 and later: the tokenizer has code tokens 151347 to 151349 (prefix, middle, suffix); prefix first, as llama.cpp
 * orders such tokens. A layout for other files is not published, so they are left out.
 */
export const glm45Prompt: PromptTemplate = () => [
  { control: '<|code_prefix|>' },
  { slot: 'before' },
  { control: '<|code_suffix|>' },
  { slot: 'after' },
  { control: '<|code_middle|>' },
];

/** Models without a way to fill blanks write on from what stands before; what follows is not seen. */
export const leftContextPrompt: PromptTemplate = () => [{ slot: 'before' }];

/** The same for CodeGeeX2, whose prompts begin with the language in a comment (CodeGeeX2, README.md). */
export const codeGeeX2Prompt: PromptTemplate = ({ languageId }) => {
  const language = LANGUAGES[languageId];
  return [...(language ? [{ text: `${language}\n` }] : []), { slot: 'before' }];
};

/** Tags of CodeGeeX2 by LSP language id. */
const LANGUAGES: Readonly<Record<string, string>> = {
  c: '// language: C',
  cpp: '// language: C++',
  csharp: '// language: C#',
  css: '/* language: CSS */',
  go: '// language: Go',
  html: '<!--language: HTML-->',
  java: '// language: Java',
  javascript: '// language: JavaScript',
  kotlin: '// language: Kotlin',
  lua: '// language: Lua',
  php: '// language: PHP',
  python: '# language: Python',
  r: '# language: R',
  ruby: '# language: Ruby',
  rust: '// language: Rust',
  shellscript: '# language: Shell',
  sql: '-- language: SQL',
  swift: '// language: Swift',
  typescript: '// language: TypeScript',
};
