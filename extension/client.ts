/** The language client: starts the server's process beside the extension host and keeps it in step with the editor. */
import {
  type InlineCompletionItem,
  type InlineCompletionList,
  type LogOutputChannel,
  l10n,
  type TextDocument,
} from 'vscode';
import { LanguageClient, RevealOutputChannelOn, State, TransportKind } from 'vscode-languageclient/node';
import {
  type InitializationOptions,
  MEASURED_METHOD,
  type MeasuredParams,
  STATUS_METHOD,
  type StatusParams,
} from '../language-server/protocol.ts';
import { documentSelector } from './document-selector.ts';
import type { Asking } from './inline/asking.ts';
import { createRestarts } from './restarts.ts';

export interface StatusListener {
  /** The server tells how its model is. */
  model(status: StatusParams): void;
  /** The server's process comes or goes; after a crash the client starts another by itself. */
  server(status: StatusParams): void;
  /** How long a call of the model took. */
  measured(params: MeasuredParams): void;
  /** What the server suggests, before the editor has it. */
  suggested(document: TextDocument, items: InlineCompletionItem[] | InlineCompletionList | null | undefined): void;
}

export function startClient(
  server: { module: string; outcomesFile: string },
  output: LogOutputChannel,
  told: StatusListener,
  asking: Pick<Asking, 'provide'>,
): LanguageClient {
  const restarts = createRestarts(() => output.error(notRunning().message ?? ''));
  const client = new LanguageClient(
    'cloze',
    l10n.t('Cloze'),
    { module: server.module, transport: TransportKind.ipc },
    {
      documentSelector,
      initializationOptions: { outcomesFile: server.outcomesFile } satisfies InitializationOptions,
      outputChannel: output,
      // A failing server is told by the status item and by one message, never by a panel that opens itself.
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      errorHandler: restarts.handler,
      middleware: {
        provideInlineCompletionItems: (document, position, context, token, next) =>
          asking.provide(document, position, context, token, async (...request) => {
            const items = await next(...request);
            if (!token.isCancellationRequested) told.suggested(document, items);
            return items;
          }),
      },
    },
  );
  client.onNotification(STATUS_METHOD, (status: StatusParams) => {
    if (status.state === 'ready') restarts.served();
    told.model(status);
  });
  client.onNotification(MEASURED_METHOD, (params: MeasuredParams) => told.measured(params));
  client.onDidChangeState(({ newState }) => {
    if (newState === State.Starting) told.server({ state: 'loading', model: '', device: '' });
    if (newState === State.Stopped || newState === State.StartFailed) told.server(notRunning());
  });
  client.start().catch((error: unknown) => output.error(error instanceof Error ? error : String(error)));
  return client;
}

function notRunning(): StatusParams {
  const message = l10n.t('The language server is not running. The log says why; the menu can restart it.');
  return { state: 'failed', model: '', device: '', message };
}
