/**
 * `POST /v1/completions` as OpenAI's legacy completions have it (platform.openai.com/docs/api-reference/completions):
 * `prompt` is the text before the blank, `suffix` the text after it. Its defaults are OpenAI's as well.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { Fill, FilledToken } from '../infill/fill.ts';
import { ApiError } from './api-error.ts';
import { drawnTokens, type FillCall, LARGEST_SEED, MOST_TOKENS, usageOf } from './endpoint.ts';
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

interface LogProbabilities {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: null;
  /** Characters of the completion before each token. */
  text_offset: number[];
}

export function completionCall(fields: Fields, model: string): FillCall {
  const asked = textField(fields, 'model', model);
  if (asked !== model) {
    throw new ApiError(404, `There is no model "${asked}"; this server has "${model}".`, { param: 'model' });
  }
  const suffix = textField(fields, 'suffix', undefined);
  refuseUnserved(fields);
  const withLogProbabilities = (fields.logprobs ?? undefined) !== undefined;
  const withUsage = includesUsage(fields);
  const head = { id: `cmpl-${randomUUID()}`, object: 'text_completion', created: Math.floor(Date.now() / 1000), model };
  const choice = (text: string, tokens: LogProbabilities | null, finish: string | null) => ({
    ...head,
    choices: [{ index: 0, text, logprobs: tokens, finish_reason: finish }],
  });
  /** Tokens whose characters are not certain yet. */
  let held: FilledToken[] = [];
  let offset = 0;
  const logProbabilities = (tokens: readonly FilledToken[]): LogProbabilities | null => {
    if (!withLogProbabilities) return null;
    const offsets = tokens.map(({ text }) => {
      offset += text.length;
      return offset - text.length;
    });
    return {
      tokens: tokens.map(({ text }) => text),
      token_logprobs: tokens.map(({ logProbability }) => logProbability),
      top_logprobs: null,
      text_offset: offsets,
    };
  };

  return {
    passage: {
      path: textField(fields, 'path', ''),
      languageId: '',
      before: promptField(fields),
      after: suffix ?? '',
      // Without a suffix the text goes on in a way the client does not know.
      reachesEnd: suffix !== undefined,
      forced: '',
      neighbours: [],
      kind: 'sentence',
    },
    options: {
      maxTokens: numberField(fields, 'max_tokens', 16, { least: 1, most: MOST_TOKENS, whole: true }),
      temperature: numberField(fields, 'temperature', 1, { least: 0, most: 2 }),
      topP: numberField(fields, 'top_p', 1, { least: Number.MIN_VALUE, most: 1 }),
      seed: numberField(fields, 'seed', randomInt(LARGEST_SEED), { least: 0, most: LARGEST_SEED, whole: true }),
      stop: stopField(fields),
      singleLine: false,
      timeLimit: 0,
    },
    stream: flagField(fields, 'stream'),
    whole: (fill) => ({
      ...choice(fill.text, logProbabilities(drawnTokens(fill)), finishReason(fill)),
      usage: usageOf(fill.partA, drawnTokens(fill).length),
    }),
    piece(text, token) {
      held.push(token);
      if (text === '') return undefined;
      const event = choice(text, logProbabilities(held), null);
      held = [];
      return event;
    },
    last: (text, fill) => [
      choice(text, logProbabilities(held), finishReason(fill)),
      ...(withUsage ? [{ ...head, choices: [], usage: usageOf(fill.partA, drawnTokens(fill).length) }] : []),
      '[DONE]',
    ],
  };
}

/** What this server cannot do is refused, not ignored. */
function refuseUnserved(fields: Fields): void {
  numberField(fields, 'n', 1, { least: 1, most: 1, whole: true });
  numberField(fields, 'best_of', 1, { least: 1, most: 1, whole: true });
  for (const name of ['presence_penalty', 'frequency_penalty']) numberField(fields, name, 0, { least: 0, most: 0 });
  if (Object.keys(fields.logit_bias ?? {}).length > 0) {
    throw wrongField('logit_bias', '"logit_bias" is not offered: leave it out.');
  }
  if (flagField(fields, 'echo'))
    throw wrongField('echo', '"echo" is not offered: the prompt is never part of the answer.');
  const logProbabilities = fields.logprobs ?? 0;
  if (logProbabilities !== 0) {
    throw wrongField('logprobs', '"logprobs" may be 0: the chosen token with its own probability, without rivals.');
  }
}

function promptField(fields: Fields): string {
  const { prompt } = fields;
  if (typeof prompt === 'string') return prompt;
  if (Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] === 'string') return prompt[0];
  throw wrongField(
    'prompt',
    `"prompt" must be the text before the blank: a string, or a list of one string; it is ${prompt === undefined ? 'missing' : kindOf(prompt)}.`,
  );
}

function finishReason({ finish }: Fill): 'stop' | 'length' {
  switch (finish) {
    case 'eop':
    case 'line':
    case 'stop':
      return 'stop';
    case 'length':
    case 'capacity':
    case 'unsure':
    case 'time':
      return 'length';
  }
}
