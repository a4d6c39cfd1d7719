/**
 * What fits into a model's context: the question always, then what was attached to it, then the conversation from its
 * newest turn back. Tokens are estimated, since a model elsewhere keeps its tokenizer to itself.
 */
import type { ChatMessage } from '../../language-server/protocol.ts';

/** Something of the workspace that is sent along. */
export interface Attachment {
  /** As the user knows it, e.g. `src/a.ts:3-9`. */
  name: string;
  language: string;
  text: string;
}

export interface FittedAttachment {
  name: string;
  tokens: number;
  /** Whether its end did not fit. */
  cut: boolean;
}

export interface Fitted {
  messages: ChatMessage[];
  attachments: FittedAttachment[];
  /** Estimated tokens of all messages. */
  used: number;
  /** Tokens that the messages may have. */
  limit: number;
  /** Earlier messages that were left out. */
  dropped: number;
}

export interface Turn {
  role: 'user' | 'assistant';
  text: string;
}

/** Of models that do not tell what they hold. */
export const USUAL_CONTEXT = 8192;
/** A quarter is kept for the answer, but no more than this. */
const LONGEST_ANSWER = 4096;
/** Roles and separators. */
const TOKENS_PER_MESSAGE = 8;

/** Code and prose have about 3.5 ASCII characters a token, other scripts about 1.5. */
export function estimateTokens(text: string): number {
  let others = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) others++;
  return Math.ceil((text.length - others) / 3.5 + others / 1.5);
}

export function answerTokens(contextTokens: number): number {
  return Math.min(LONGEST_ANSWER, Math.floor(contextTokens / 4));
}

export function fitToContext(
  system: string,
  earlier: readonly Turn[],
  question: string,
  attached: readonly Attachment[],
  contextTokens: number,
): Fitted {
  const limit = contextTokens - answerTokens(contextTokens);
  let used = cost(system) + cost(question);
  const attachments: FittedAttachment[] = [];
  const blocks: string[] = [];
  for (const attachment of attached) {
    const frame = estimateTokens(blockOf({ ...attachment, text: '' }));
    const text = firstLines(attachment.text, limit - used - frame);
    const block = text === '' ? '' : blockOf({ ...attachment, text });
    const tokens = estimateTokens(block);
    attachments.push({ name: attachment.name, tokens, cut: text.length < attachment.text.length });
    if (block !== '') blocks.push(block);
    used += tokens;
  }
  const kept: Turn[] = [];
  for (const turn of earlier.toReversed()) {
    if (used + cost(turn.text) > limit) break;
    kept.unshift(turn);
    used += cost(turn.text);
  }
  // An answer without its question would confuse.
  if (kept[0]?.role === 'assistant') used -= cost((kept.shift() as Turn).text);
  const content = blocks.length === 0 ? question : `${blocks.join('\n')}\n${question}`;
  return {
    messages: [
      { role: 'system', content: system },
      ...kept.map(({ role, text }): ChatMessage => ({ role, content: text })),
      { role: 'user', content },
    ],
    attachments,
    used,
    limit,
    dropped: earlier.length - kept.length,
  };
}

function cost(text: string): number {
  return estimateTokens(text) + TOKENS_PER_MESSAGE;
}

/** Its fence is longer than any in the text, so that the text cannot end it. */
function blockOf({ name, language, text }: Attachment): string {
  const ticks = (text.match(/`{3,}/g) ?? []).reduce((most, { length }) => Math.max(most, length), 2);
  const fence = '`'.repeat(ticks + 1);
  return `${name}:\n${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}\n`;
}

/** As many whole lines as fit, at least one token's worth or nothing. */
function firstLines(text: string, tokens: number): string {
  if (estimateTokens(text) <= tokens) return text;
  let fitted = '';
  for (const line of text.split(/(?<=\n)/)) {
    if (estimateTokens(fitted + line) > tokens) break;
    fitted += line;
  }
  return fitted;
}
