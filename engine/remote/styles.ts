/** The ways in which servers take a blank, each as a path, a body, and how its events are read. */
import type { FillOptions, FinishReason, Passage } from '../infill/fill.ts';
import { CODEGEEX4, GLM_4_5, type PromptTemplate } from './prompts.ts';
import { windowOf } from './window.ts';

/**
 * `completions`: OpenAI's with a `suffix` field (`cloze serve`, DeepSeek). `infill`: llama.cpp's (`llama-server`,
 * `cloze serve`). The others send a prompt with the model's own tokens to `/v1/completions` (vLLM, SGLang).
 */
export const REMOTE_STYLES = ['completions', 'infill', 'codegeex4', 'glm-4.5'] as const;
export type RemoteStyle = (typeof REMOTE_STYLES)[number];

export interface StyledRequest {
  path: string;
  body: object;
  /** What ends the span beside the caller's own stop strings. */
  stops: readonly string[];
  /** Understands one event of the answer. */
  read(event: unknown): RemotePiece;
}

/** What one event brings. */
export interface RemotePiece {
  text: string;
  /** Tokens with their log probabilities, where the server tells them. */
  tokens: { text: string; logProbability: number }[];
  finish?: FinishReason;
  promptTokens?: number;
}

/** OpenAI's limit; further ones are looked for here only. */
const MOST_STOPS = 4;

export function styledRequest(
  style: RemoteStyle,
  model: string,
  passage: Passage,
  options: FillOptions,
): StyledRequest {
  const { before, after, neighbours } = windowOf(passage, options.contextTokens);
  const sampling = { temperature: options.temperature, top_p: options.topP, seed: options.seed, stream: true };
  const stop = (options.stop ?? []).slice(0, MOST_STOPS);
  if (style === 'infill') {
    // The most relevant chunk last: the server drops from the front.
    const extra = neighbours.map(({ path, text }) => ({ filename: path, text })).reverse();
    const text = { input_prefix: before, input_suffix: after, input_extra: extra, prompt: passage.forced };
    const body = { model, ...text, path: passage.path, n_predict: options.maxTokens, ...sampling, stop };
    return { path: '/infill', body, stops: [], read: readInfill };
  }
  const common = { model, max_tokens: options.maxTokens, ...sampling, logprobs: 0 };
  const prefix = before + passage.forced;
  const template = templateOf(style);
  if (!template) {
    const body = { ...common, prompt: prefix, suffix: after, ...(stop.length > 0 ? { stop } : {}) };
    return { path: '/v1/completions', body, stops: [], read: readCompletion };
  }
  const { path, languageId } = passage;
  const prompt = template.render({
    path,
    languageId,
    before: prefix,
    after,
    neighbours,
    singleLine: options.singleLine,
  });
  const ends = { stop: [...template.stops, ...stop].slice(0, MOST_STOPS), stop_token_ids: template.stopIds };
  return { path: '/v1/completions', body: { ...common, prompt, ...ends }, stops: template.stops, read: readCompletion };
}

function templateOf(style: Exclude<RemoteStyle, 'infill'>): PromptTemplate | undefined {
  switch (style) {
    case 'completions':
      return undefined;
    case 'codegeex4':
      return CODEGEEX4;
    case 'glm-4.5':
      return GLM_4_5;
  }
}

interface CompletionEvent {
  choices?: {
    text?: string;
    finish_reason?: string | null;
    /** vLLM's: the stop string, where one ended the text. */
    stop_reason?: unknown;
    logprobs?: { tokens?: string[]; token_logprobs?: (number | null)[] } | null;
  }[];
  usage?: { prompt_tokens?: number } | null;
}

function readCompletion(event: unknown): RemotePiece {
  const { choices, usage } = event as CompletionEvent;
  const choice = choices?.[0];
  const probabilities = choice?.logprobs?.token_logprobs ?? [];
  const tokens = (choice?.logprobs?.tokens ?? []).map((text, i) => ({
    text,
    logProbability: probabilities[i] ?? Number.NaN,
  }));
  const piece: RemotePiece = { text: choice?.text ?? '', tokens };
  if (typeof usage?.prompt_tokens === 'number') piece.promptTokens = usage.prompt_tokens;
  if (choice?.finish_reason === 'length') piece.finish = 'length';
  else if (choice?.finish_reason) piece.finish = typeof choice.stop_reason === 'string' ? 'stop' : 'eop';
  return piece;
}

interface InfillEvent {
  content?: string;
  stop?: boolean;
  stop_type?: string;
  tokens_evaluated?: number;
}

function readInfill(event: unknown): RemotePiece {
  const { content = '', stop, stop_type, tokens_evaluated } = event as InfillEvent;
  const piece: RemotePiece = { text: content, tokens: [] };
  if (!stop) return piece;
  piece.finish = stop_type === 'limit' ? 'length' : stop_type === 'word' ? 'stop' : 'eop';
  if (typeof tokens_evaluated === 'number') piece.promptTokens = tokens_evaluated;
  return piece;
}
