/**
 * Prompts that make a causal GLM fill a blank as one text, for servers that know no suffix. The text of files is never allowed to
 * hold a control token: it is broken up, because it would end the prompt where the file happens to name it.
 */
import { codeGeeX4Prompt, glm45Prompt, type PromptText as InfillText, type PromptPart } from '../infill/prompts.ts';

/** What a prompt is made of. */
export interface PromptText extends InfillText {
  before: string;
  after: string;
}

export interface PromptTemplate {
  render(text: PromptText): string;
  /** Where the model has ended its answer, as text and as token ids (vLLM and SGLang take both). */
  stops: readonly string[];
  stopIds: readonly number[];
}

/** Ends of turn of the GLM-4 tokenizers: `<|endoftext|>`, `<|user|>`, `<|observation|>`. */
const ENDS = { stops: ['<|endoftext|>', '<|user|>', '<|observation|>'], stopIds: [151329, 151336, 151338] };

export const CODEGEEX4: PromptTemplate = { ...ENDS, render: (text) => joined(codeGeeX4Prompt(text), text) };

export const GLM_4_5: PromptTemplate = { ...ENDS, render: (text) => joined(glm45Prompt(text), text) };

function joined(parts: readonly PromptPart[], around: Pick<PromptText, 'before' | 'after'>): string {
  const written = parts.map((part) =>
    'control' in part ? part.control : plain('text' in part ? part.text : around[part.slot]),
  );
  return written.join('');
}

/** `<|user|>` in a file becomes `<| user|>`; so do `[gMASK]`, `<sop>` and their like. */
function plain(text: string): string {
  return text
    .replace(/<\|(?=[a-z_]+\|>)/g, '<| ')
    .replace(/\[(?=[gs]?MASK\])/g, '[ ')
    .replace(/<(?=[se]op>|\/?think>)/g, '< ');
}
