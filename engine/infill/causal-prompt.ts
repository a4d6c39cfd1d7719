/** The prompt of a causal model as token ids within a budget. Control tokens are put in by id, never by their text. */
import type { NamedTokenizer } from '../tokenizer/tokenizer.ts';
import type { CausalPrompt, Neighbour, Passage } from './fill.ts';
import { passageTokens } from './passage.ts';
import {
  codeGeeX2Prompt,
  codeGeeX4Prompt,
  codeGeeX4Reference,
  glm45Prompt,
  leftContextPrompt,
  type PromptPart,
  type PromptTemplate,
} from './prompts.ts';

/** Largest share of the budget for other files. */
const NEIGHBOUR_SHARE = 0.25;
/** The end of a path tells more than its beginning. */
const LONGEST_PATH = 200;

/**
 * How a model is asked to fill a blank: by its code tokens where the tokenizer has them, else it writes on from the text
 * before the blank. `release` tells models of one family apart.
 */
export function causalPrompt(tokenizer: NamedTokenizer, release: string): CausalPrompt {
  const { named, special } = tokenizer;
  const infills = ['<|code_prefix|>', '<|code_middle|>', '<|code_suffix|>'].every((name) => named.has(name));
  // GLM-4.5 thinks, CodeGeeX4 does not.
  const thinks = named.has('<think>');
  const template = !infills
    ? release === 'codegeex2'
      ? codeGeeX2Prompt
      : leftContextPrompt
    : thinks
      ? glm45Prompt
      : codeGeeX4Prompt;
  const opening = [special.documentMask, special.sop];
  return {
    infills,
    tokens: (passage, budget) => [...opening, ...rendered(tokenizer, template, passage, budget - opening.length)],
  };
}

function rendered(tokenizer: NamedTokenizer, template: PromptTemplate, passage: Passage, budget: number): number[] {
  const { before, after, languageId, kind } = passage;
  const neighbours =
    template === codeGeeX4Prompt ? fitting(tokenizer, passage.neighbours, budget * NEIGHBOUR_SHARE) : [];
  const parts = template({
    path: passage.path.slice(-LONGEST_PATH),
    languageId,
    neighbours,
    singleLine: kind === 'token',
  });
  let first = true;
  const fixed = parts.map((part) => {
    if ('slot' in part) return [];
    const tokens = partTokens(tokenizer, part, first);
    first &&= 'control' in part;
    return tokens;
  });
  const room = Math.max(0, budget - fixed.reduce((sum, { length }) => sum + length, 0));
  const seesAfter = parts.some((part) => 'slot' in part && part.slot === 'after');
  // Without [CLS] nothing is put around the text: these are the tokens of the two sides.
  const text = { path: '', before, after: seesAfter ? after : '', neighbours: [], reachesEnd: false };
  const { text: around, blank } = passageTokens(unframed(tokenizer), text, room);
  return parts.flatMap((part, index) => {
    if (!('slot' in part)) return fixed[index] as number[];
    return part.slot === 'before' ? around.slice(0, blank) : around.slice(blank);
  });
}

function partTokens(tokenizer: NamedTokenizer, part: Exclude<PromptPart, { slot: string }>, first: boolean): number[] {
  if ('text' in part) return first ? tokenizer.encodeStart(part.text) : tokenizer.encode(part.text);
  const id = tokenizer.named.get(part.control);
  if (id === undefined) throw new Error(`The tokenizer lacks ${part.control}, which the model's prompt needs.`);
  return [id];
}

function unframed(tokenizer: NamedTokenizer): NamedTokenizer {
  const { enc: _, ...special } = tokenizer.special;
  return { ...tokenizer, special };
}

/** The first files that fit, whole: a file that is cut would be read as if it ended there. */
function fitting(tokenizer: NamedTokenizer, neighbours: readonly Neighbour[], budget: number): Neighbour[] {
  const chosen: Neighbour[] = [];
  let left = budget;
  for (const { path, text } of neighbours) {
    const neighbour = { path: path.slice(-LONGEST_PATH), text };
    if (text.length > budget * CHARACTERS_PER_TOKEN) continue;
    left -= tokenizer.encode(codeGeeX4Reference(neighbour)).length;
    if (left < 0) break;
    chosen.push(neighbour);
  }
  return chosen;
}

/** Longer files cannot fit and are not worth encoding. */
const CHARACTERS_PER_TOKEN = 12;
