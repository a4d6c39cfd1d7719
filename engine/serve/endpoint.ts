/** What an endpoint that calls the model is made of: fields in, a passage or messages and options; JSON out. */
import type { ChatAnswer, ChatMessage, ChatOptions, ChatPiece } from '../chat/chat-model.ts';
import type { Fill, FilledToken, FillOptions, Passage } from '../infill/fill.ts';
import type { Fields } from './fields.ts';

/** One request, understood. */
export type Call = FillCall | ChatCall;

export interface ChatCall {
  messages: readonly ChatMessage[];
  options: ChatOptions;
  stream: boolean;
  ready?: undefined;
  /** The answer to a request without streaming. */
  whole(content: string, thoughts: string, answer: ChatAnswer): object;
  /** Events of a stream, the last ones as with `FillCall`. */
  first(): object;
  piece(piece: ChatPiece): object;
  last(answer: ChatAnswer): (object | string)[];
}

export interface FillCall {
  passage: Passage;
  /** `timeLimit`: the client's own, 0 for none; the server's applies as well. */
  options: FillOptions;
  stream: boolean;
  /** The answer where the request needs no model. */
  ready?: object;
  /** The answer to a request without streaming. */
  whole(fill: Fill): object;
  /** One event of a stream; undefined where there is nothing to say yet. */
  piece(text: string, token: FilledToken): object | undefined;
  /** The last events; `text` is what the pieces have not brought. Text is sent as it is, objects as JSON. */
  last(text: string, fill: Fill): (object | string)[];
}

/** `model` is the served model's name. Throws ApiError with status 400 or 404. */
export type Endpoint = (fields: Fields, model: string) => Call;

/** Tokens that the model chose, without the end of the span. */
export function drawnTokens({ tokens, finish }: Fill): FilledToken[] {
  const drawn = tokens.filter(({ forced }) => !forced);
  return finish === 'eop' ? drawn.slice(0, -1) : drawn;
}

/** Tokens as OpenAI counts them. */
export function usageOf(prompt: number, completion: number): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** Unsigned 32-bit: what every client can write. */
export const LARGEST_SEED = 2 ** 32 - 1;
/** The model's length ends a span long before. */
export const MOST_TOKENS = 1_000_000;
