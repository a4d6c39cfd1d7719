/** The extension. Activation only wires: the model is loaded by the server's process, and nothing here waits for it. */
import { type ExtensionContext, l10n, window } from 'vscode';
import { type LanguageClient, State } from 'vscode-languageclient/node';
import { RELOAD_METHOD, STATUS_METHOD, type StatusParams } from '../language-server/protocol.ts';
import { createClient } from './client.ts';
import { registerCommands } from './commands.ts';
import { createFailureMessage } from './failure.ts';
import { createStatus } from './status.ts';

let client: LanguageClient | undefined;

export function activate(context: ExtensionContext): void {
  const output = window.createOutputChannel('Cloze', { log: true });
  const status = createStatus();
  const started = createClient(context.asAbsolutePath('dist/server.cjs'), output);
  client = started;

  const tellFailure = createFailureMessage({
    showLog: () => output.show(),
    tryAgain: () => void started.sendNotification(RELOAD_METHOD),
  });
  context.subscriptions.push(
    output,
    status,
    started.onNotification(STATUS_METHOD, (params: StatusParams) => {
      status.show(params);
      tellFailure(params);
    }),
    started.onDidChangeState(({ newState }) => {
      if (newState === State.Starting) status.show({ state: 'loading', model: '', device: '' });
      if (newState === State.Stopped || newState === State.StartFailed) status.show(stopped());
    }),
    ...registerCommands(started, output),
  );

  started.start().catch((error: unknown) => output.error(error instanceof Error ? error : String(error)));
}

/** The editor waits for this when it closes: the server is asked to shut down, so no process is left behind. */
export function deactivate(): Promise<void> | undefined {
  return client?.stop();
}

function stopped(): StatusParams {
  const message = l10n.t('The language server is not running. The log says why; the menu can restart it.');
  return { state: 'failed', model: '', device: '', message };
}
