/**
 * Conversations with the models that are there: the local one, where it was trained for that, and those of the server
 * that the settings name. Nothing is sent anywhere before the user asks, and a key only to the server it was given for.
 */
import { LSPErrorCodes, ResponseError } from 'vscode-languageserver';
import type { ChatModel, ChatPiece } from '../../engine/chat/chat-model.ts';
import type { RemoteChat } from '../../engine/remote/remote-chat.ts';
import type { EngineHost } from '../engine-host.ts';
import { messageOf } from '../error-message.ts';
import type { Log } from '../log.ts';
import type { ChatModelInfo, ChatModelsResult, ChatResult, ClozeSettings } from '../protocol.ts';
import { checkChat } from './chat-params.ts';

const LOCAL_ID = 'local';
const REMOTE_PREFIX = 'remote:';

export interface ChatParts {
  host: Pick<EngineHost, 'model' | 'chat'>;
  settings(): ClozeSettings;
  /** The key for a server's origin, where the client has one. */
  keyOf(origin: string): Promise<string | undefined>;
  log: Log;
}

export interface Chat {
  models(signal: AbortSignal): Promise<ChatModelsResult>;
  /** Rejects with ResponseError. */
  answer(params: unknown, onPiece: (id: string, piece: ChatPiece) => void, signal: AbortSignal): Promise<ChatResult>;
}

export function createChat({ host, settings, keyOf, log }: ChatParts): Chat {
  async function remote(): Promise<RemoteChat | undefined> {
    const url = settings().chat.server.trim();
    if (url === '') return undefined;
    // Loaded on demand, as the engine is.
    const { openRemoteChat } = await import('../../engine/remote/remote-chat.ts');
    const key = await keyOf(openRemoteChat({ url }).origin);
    return openRemoteChat(key === undefined ? { url } : { url, key });
  }

  async function local(): Promise<ChatModelInfo[]> {
    const model = await host.model();
    if (!model) return [];
    const { name, device, chat } = model;
    const own = { id: LOCAL_ID, name, place: device, remote: false };
    return [chat ? { ...own, does: 'chat', contextTokens: chat.contextTokens } : { ...own, does: 'fill' }];
  }

  async function elsewhere(signal: AbortSignal): Promise<ChatModelInfo[]> {
    const server = await remote();
    if (!server) return [];
    return (await server.models(signal)).map(({ id, contextTokens }) => ({
      id: REMOTE_PREFIX + id,
      name: id,
      place: server.origin,
      remote: true,
      does: 'chat',
      ...(contextTokens === undefined ? {} : { contextTokens }),
    }));
  }

  async function modelOf(id: string): Promise<ChatModel> {
    if (id === LOCAL_ID) return { answer: host.chat };
    const server = id.startsWith(REMOTE_PREFIX) ? await remote() : undefined;
    if (!server) throw new Error(`There is no model ${id}: choose another, or name its server in cloze.chat.server.`);
    return server.model(id.slice(REMOTE_PREFIX.length));
  }

  return {
    async models(signal) {
      const [own, others] = await Promise.allSettled([local(), elsewhere(signal)]);
      const models = [own, others].flatMap((found) => (found.status === 'fulfilled' ? found.value : []));
      if (others.status === 'fulfilled') return { models };
      const problem = messageOf(others.reason);
      log.error(`The models for the chat could not be listed: ${problem}`);
      return { models, problem };
    },

    async answer(params, onPiece, signal) {
      const { id, model: wanted, messages, maxTokens } = checkChat(params);
      try {
        const model = await modelOf(wanted);
        const options = maxTokens === undefined ? {} : { maxTokens };
        return await model.answer(messages, options, (piece) => signal.aborted || onPiece(id, piece), signal);
      } catch (error) {
        if (signal.aborted) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'The answer was stopped.');
        if (error instanceof Error && error.name === 'AbortError') {
          const why = 'The answer was given up: the model was needed for something newer, or was changed.';
          throw new ResponseError(LSPErrorCodes.ServerCancelled, why);
        }
        log.error(`The chat failed: ${messageOf(error)}`);
        throw new ResponseError(LSPErrorCodes.RequestFailed, messageOf(error));
      }
    },
  };
}
