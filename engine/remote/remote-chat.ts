/** Models that converse on a server elsewhere, by OpenAI's `/v1/chat/completions` (vLLM, SGLang, llama.cpp, many more). */
import type { ChatAnswer, ChatModel, ChatPiece } from '../chat/chat-model.ts';
import { answeredEvents } from './answer.ts';
import { type Answer, openConnection } from './connection.ts';
import { RemoteFailure, type RetryOptions, standardRetries, withRetries } from './failure.ts';
import { listModels, type RemoteModel } from './models.ts';

export interface RemoteChatOptions {
  /** `https://host:port`, with or without `/v1`. */
  url: string;
  /** Sent as a bearer token; held in memory only. */
  key?: string;
  /** Most milliseconds without a byte from the server; default two minutes, for models that read long questions. */
  silence?: number;
  retry?: Partial<RetryOptions>;
}

export interface RemoteChat {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Rejects with RemoteFailure, whose message says what was wrong and what to do. */
  models(signal: AbortSignal): Promise<RemoteModel[]>;
  /** Its answers reject with RemoteFailure. One of which something was handed on is not asked for again. */
  model(id: string): ChatModel;
}

const SILENCE = 120_000;

/** Connects to nothing yet. Throws where the URL is none. */
export function openRemoteChat({ url, key, silence = SILENCE, retry: given }: RemoteChatOptions): RemoteChat {
  const connection = openConnection(key === undefined ? { url, silence } : { url, key, silence });
  const retry = { ...standardRetries, ...given };
  return {
    origin: connection.origin,
    models: (signal) => listModels(connection, retry, signal),
    model: (id) => ({
      async answer(messages, { maxTokens, temperature, topP, seed }, onPiece, signal) {
        const limits = { max_tokens: maxTokens, temperature, top_p: topP, seed };
        // What is undefined is left out.
        const body = { model: id, messages, stream: true, ...limits };
        let handedOn = false;
        const read = async (answer: Answer): Promise<ChatAnswer> => {
          let finish: ChatAnswer['finish'] | undefined;
          for await (const event of answeredEvents(answer, connection)) {
            const choice = event && choiceOf(event);
            for (const piece of piecesOf(choice)) {
              handedOn = true;
              onPiece(piece);
            }
            if (event === undefined) finish ??= 'end';
            else if (choice?.finish_reason) finish = choice.finish_reason === 'length' ? 'length' : 'end';
          }
          if (!finish) throw connection.failure('broke its answer off.', { retryable: true });
          return { finish };
        };
        const attempt = async () => {
          try {
            return await connection.exchange('/v1/chat/completions', body, read, signal);
          } catch (error) {
            // What has been shown cannot be taken back.
            throw handedOn && error instanceof RemoteFailure ? new RemoteFailure(error.message) : error;
          }
        };
        return withRetries(attempt, retry, signal);
      },
    }),
  };
}

interface Said {
  content?: unknown;
  /** What the model thinks first: vLLM and SGLang call it `reasoning_content`, others `reasoning`. */
  reasoning_content?: unknown;
  reasoning?: unknown;
}

interface Choice {
  /** Of a stream. */
  delta?: Said | null;
  /** Of a server that does not stream. */
  message?: Said | null;
  finish_reason?: string | null;
}

function choiceOf(event: object): Choice | undefined {
  const { choices } = event as { choices?: (Choice | null)[] | null };
  return choices?.[0] ?? undefined;
}

function piecesOf(choice: Choice | undefined): ChatPiece[] {
  const { content, reasoning_content, reasoning } = choice?.delta ?? choice?.message ?? {};
  const thought = reasoning_content ?? reasoning;
  return [
    ...(typeof thought === 'string' && thought !== '' ? [{ text: thought, thought: true }] : []),
    ...(typeof content === 'string' && content !== '' ? [{ text: content }] : []),
  ];
}
