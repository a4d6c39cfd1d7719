/** Asks the language server for answers, and hands on what comes of each while it is written. */
import { randomUUID } from 'node:crypto';
import { type CancellationToken, Disposable, type SecretStorage } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  CHAT_METHOD,
  CHAT_TEXT_METHOD,
  type ChatParams,
  type ChatResult,
  type ChatText,
  REMOTE_KEY_METHOD,
  type RemoteKeyParams,
} from '../../language-server/protocol.ts';

export interface Answers extends Disposable {
  /** Rejects with an error whose message is for the user. */
  ask(
    params: Omit<ChatParams, 'id'>,
    onText: (text: string, thought: boolean) => void,
    token: CancellationToken,
  ): Promise<ChatResult>;
}

/** Under which a key is kept: it is sent to the server it was given for, and to no other. */
export function keyName(origin: string): string {
  return `cloze.remoteKey ${origin}`;
}

export function createAnswers(client: Promise<LanguageClient>, secrets: SecretStorage): Answers {
  const listeners = new Map<string, (text: ChatText) => void>();
  const listening = client.then((started) =>
    Disposable.from(
      started.onNotification(CHAT_TEXT_METHOD, (text: ChatText) => listeners.get(text.id)?.(text)),
      started.onRequest(
        REMOTE_KEY_METHOD,
        async ({ origin }: RemoteKeyParams) => (await secrets.get(keyName(origin))) ?? null,
      ),
    ),
  );
  return {
    async ask(params, onText, token) {
      const id = randomUUID();
      listeners.set(id, ({ text, thought }) => onText(text, thought === true));
      try {
        return await (await client).sendRequest<ChatResult>(CHAT_METHOD, { id, ...params }, token);
      } finally {
        listeners.delete(id);
      }
    },
    dispose: () => void listening.then((all) => all.dispose()),
  };
}
