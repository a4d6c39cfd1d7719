/** Which models a server offers, by OpenAI's `/v1/models`. */
import { type Answer, type Connection, firstText } from './connection.ts';
import { type RetryOptions, withRetries } from './failure.ts';

const LARGEST_LIST = 2 ** 22;

export interface RemoteModel {
  id: string;
  /** Tokens that it holds, question and answer together, where the server tells (vLLM and SGLang do, llama.cpp does). */
  contextTokens?: number;
}

interface ListedModel {
  id?: unknown;
  /** vLLM, SGLang. */
  max_model_len?: unknown;
  /** llama.cpp. */
  meta?: { n_ctx?: unknown; n_ctx_train?: unknown } | null;
}

/** Rejects with RemoteFailure where there is no model, or with the signal's reason. */
export async function listModels(
  connection: Connection,
  retry: RetryOptions,
  signal: AbortSignal,
): Promise<[RemoteModel, ...RemoteModel[]]> {
  const read = async ({ body }: Answer) => firstText(body, LARGEST_LIST);
  const text = await withRetries(() => connection.exchange('/v1/models', undefined, read, signal), retry, signal);
  const [first, ...others] = modelsIn(text);
  if (!first) throw connection.failure('names no model under /v1/models: give the name of the model.');
  return [first, ...others];
}

function modelsIn(text: string): RemoteModel[] {
  let listed: unknown;
  try {
    listed = JSON.parse(text)?.data;
  } catch {
    return [];
  }
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((model: ListedModel | null): RemoteModel[] => {
    if (typeof model?.id !== 'string') return [];
    const tokens = [model.max_model_len, model.meta?.n_ctx, model.meta?.n_ctx_train].find(isCount);
    return [tokens === undefined ? { id: model.id } : { id: model.id, contextTokens: tokens }];
  });
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;
