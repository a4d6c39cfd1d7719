/** The parameters of `cloze/chat`, checked: they come from another process. */
import { ErrorCodes, ResponseError } from 'vscode-languageserver';
import type { ChatMessage, ChatParams } from '../protocol.ts';

/** Throws ResponseError with what was wrong. */
export function checkChat(params: unknown): ChatParams {
  const { id, model, messages, maxTokens } = (params ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || id === '') throw invalid('The chat needs an id, which names its answer.');
  if (typeof model !== 'string') throw invalid('The chat needs the id of a model, from cloze/chatModels.');
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isMessage)) {
    throw invalid('The chat needs messages, each with a role (system, user or assistant) and a content.');
  }
  if (maxTokens === undefined) return { id, model, messages };
  if (Number.isInteger(maxTokens) && (maxTokens as number) > 0) {
    return { id, model, messages, maxTokens: maxTokens as number };
  }
  throw invalid(`maxTokens is ${JSON.stringify(maxTokens)}; it must be a whole number above 0.`);
}

function isMessage(value: unknown): value is ChatMessage {
  const { role, content } = (value ?? {}) as Record<string, unknown>;
  return ['system', 'user', 'assistant'].includes(role as string) && typeof content === 'string';
}

function invalid(message: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, message);
}
