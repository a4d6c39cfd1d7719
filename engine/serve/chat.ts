/**
 * `POST /v1/chat/completions` as OpenAI's (platform.openai.com/docs/api-reference/chat): messages in, the answer of a model
 * that converses out. What it thinks before it answers comes as `reasoning_content`, as with vLLM and SGLang.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { ChatMessage } from '../chat/chat-model.ts';
import { ApiError } from './api-error.ts';
import { type ChatCall, LARGEST_SEED, MOST_TOKENS, usageOf } from './endpoint.ts';
import {
  type Fields,
  flagField,
  includesUsage,
  kindOf,
  numberField,
  stopField,
  textField,
  wrongField,
} from './fields.ts';

/** Of a `developer` the model knows nothing; it is OpenAI's later name of `system`. */
const ROLES: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

export function chatCall(fields: Fields, model: string): ChatCall {
  const asked = textField(fields, 'model', model);
  if (asked !== model) {
    throw new ApiError(404, `There is no model "${asked}"; this server has "${model}".`, { param: 'model' });
  }
  refuseUnserved(fields);
  const range = { least: 1, most: MOST_TOKENS, whole: true };
  const limit = ['max_completion_tokens', 'max_tokens'].find((name) => (fields[name] ?? undefined) !== undefined);
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
  const event = (delta: object, finish: string | null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const reason = (finish: 'end' | 'length') => (finish === 'end' ? 'stop' : 'length');
  const withUsage = includesUsage(fields);
  return {
    messages: messagesField(fields),
    options: {
      ...(limit === undefined ? {} : { maxTokens: numberField(fields, limit, 1, range) }),
      temperature: numberField(fields, 'temperature', 1, { least: 0, most: 2 }),
      topP: numberField(fields, 'top_p', 1, { least: Number.MIN_VALUE, most: 1 }),
      seed: numberField(fields, 'seed', randomInt(LARGEST_SEED), { least: 0, most: LARGEST_SEED, whole: true }),
      stop: stopField(fields),
    },
    stream: flagField(fields, 'stream'),
    whole: (content, thoughts, { finish, usage }) => ({
      ...head,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, ...(thoughts === '' ? {} : { reasoning_content: thoughts }) },
          logprobs: null,
          finish_reason: reason(finish),
        },
      ],
      ...(usage ? { usage: usageOf(usage.prompt, usage.answer) } : {}),
    }),
    piece: ({ text, thought }) => event(thought ? { reasoning_content: text } : { content: text }, null),
    first: () => event({ role: 'assistant', content: '' }, null),
    last: ({ finish, usage }) => [
      event({}, reason(finish)),
      ...(withUsage && usage
        ? [{ ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf(usage.prompt, usage.answer) }]
        : []),
      '[DONE]',
    ],
  };
}

/** What this server cannot do is refused, not ignored. */
function refuseUnserved(fields: Fields): void {
  numberField(fields, 'n', 1, { least: 1, most: 1, whole: true });
  for (const name of ['presence_penalty', 'frequency_penalty']) numberField(fields, name, 0, { least: 0, most: 0 });
  if (flagField(fields, 'logprobs')) throw wrongField('logprobs', '"logprobs" is not offered here: leave it out.');
  for (const name of ['tools', 'functions']) {
    const given = fields[name] ?? [];
    if (!Array.isArray(given) || given.length > 0)
      throw wrongField(name, `"${name}" is not offered: the model answers in words.`);
  }
}

function messagesField({ messages }: Fields): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw wrongField(
      'messages',
      `"messages" must be a list of at least one message, but it is ${messages === undefined ? 'missing' : kindOf(messages)}.`,
    );
  return messages.map((message: unknown, index) => {
    const { role, content } = (message ?? {}) as Fields;
    const known = typeof role === 'string' && Object.hasOwn(ROLES, role) ? ROLES[role] : undefined;
    const text = textOf(content);
    if (known && text !== undefined) return { role: known, content: text };
    throw wrongField(
      'messages',
      `Message ${index + 1} must have a "role" (${Object.keys(ROLES).join(', ')}) and "content": text, or a list of parts of type "text".`,
    );
  });
}

function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part: Fields | null) => (part?.type === 'text' ? part.text : undefined));
  return texts.every((text) => typeof text === 'string') ? texts.join('') : undefined;
}
