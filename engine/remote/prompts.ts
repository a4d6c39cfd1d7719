/**
 * Prompts that make a causal GLM fill a blank, for servers that know no suffix. The text of files is never allowed to
 * hold a control token: it is broken up, because it would end the prompt where the file happens to name it.
 */
import type { Neighbour } from '../infill/fill.ts';

/** What a prompt is made of. */
export interface PromptText {
  path: string;
  languageId: string;
  before: string;
  after: string;
  neighbours: readonly Neighbour[];
  singleLine: boolean;
}

export interface PromptTemplate {
  render(text: PromptText): string;
  /** Where the model has ended its answer, as text and as token ids (vLLM and SGLang take both). */
  stops: readonly string[];
  stopIds: readonly number[];
}

/** Ends of turn of the GLM-4 tokenizers: `<|endoftext|>`, `<|user|>`, `<|observation|>`. */
const ENDS = { stops: ['<|endoftext|>', '<|user|>', '<|observation|>'], stopIds: [151329, 151336, 151338] };

/**
 * CodeGeeX4-ALL-9B (CodeGeeX4, guides/Infilling_guideline.md): other files as references, the suffix before the prefix,
 * within one turn of the chat.
 */
export const CODEGEEX4: PromptTemplate = {
  ...ENDS,
  render({ path, languageId, before, after, neighbours, singleLine }) {
    const references = neighbours.map((other) => `###REFERENCE:\n###PATH:${plain(other.path)}\n${plain(other.text)}\n`);
    const mode = singleLine ? 'LINE' : 'BLOCK';
    const head = `###PATH:${plain(path)}\n###LANGUAGE:${languageId}\n###MODE:${mode}\n`;
    const blank = `<|code_suffix|>${plain(after)}<|code_prefix|>${plain(before)}<|code_middle|>`;
    return `<|user|>\n${references.join('')}${head}${blank}<|assistant|>\n`;
  },
};

/**
 * GLM-4.5 and later: the tokenizer has code tokens 151347 to 151349 (prefix, middle, suffix); prefix first, as llama.cpp
 * orders such tokens. A layout for other files is not published, so they are left out.
 */
export const GLM_4_5: PromptTemplate = {
  ...ENDS,
  render: ({ before, after }) => `<|code_prefix|>${plain(before)}<|code_suffix|>${plain(after)}<|code_middle|>`,
};

/** `<|user|>` in a file becomes `<| user|>`; so do `[gMASK]`, `<sop>` and their like. */
function plain(text: string): string {
  return text
    .replace(/<\|(?=[a-z_]+\|>)/g, '<| ')
    .replace(/\[(?=[gs]?MASK\])/g, '[ ')
    .replace(/<(?=[se]op>|\/?think>)/g, '< ');
}
