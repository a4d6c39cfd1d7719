/**
 * A model that converses, wherever it runs: messages in, an answer out as it is written. How a family lays messages out
 * as tokens is the model's own business.
 */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatOptions {
  /** Most tokens of the answer; as many as the model gives when left out. */
  maxTokens?: number;
  /** 0, greedy, when left out; as in `FillOptions`, like `topP` and `seed`. */
  temperature?: number;
  topP?: number;
  seed?: number;
  /** Strings that end the answer and are left out of it; not every model elsewhere takes them. */
  stop?: readonly string[];
  /** Milliseconds after which the answer ends where it is; no limit when left out. */
  timeLimit?: number;
}

/** A piece of an answer. What a model thinks before it answers is not part of the answer. */
export interface ChatPiece {
  text: string;
  thought?: boolean;
}

export interface ChatAnswer {
  /** `end`: the model ended its answer, or a stop string did; `length`: a limit of tokens did. */
  finish: 'end' | 'length';
  /** Tokens of the prompt and of all that the model wrote, thoughts too; unknown of most models elsewhere. */
  usage?: { prompt: number; answer: number };
}

export interface ChatModel {
  /** Pieces come in their order, none after the promise has settled. Rejects with the signal's reason once it fires. */
  answer(
    messages: readonly ChatMessage[],
    options: ChatOptions,
    onPiece: (piece: ChatPiece) => void,
    signal: AbortSignal,
  ): Promise<ChatAnswer>;
}
