/** The extension. Activation only wires: the model is loaded by the server's process, and nothing here waits for it. */
import { type ExtensionContext, window } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { RELOAD_METHOD, type StatusParams } from '../language-server/protocol.ts';
import { registerChat } from './chat/chat.ts';
import { registerCommands } from './commands.ts';
import { createFailureMessage } from './failure.ts';
import { createFillSelection } from './fill/fill-selection.ts';
import { registerLens } from './lens.ts';
import { createStatus } from './status.ts';

let client: Promise<LanguageClient> | undefined;

export function activate(context: ExtensionContext): void {
  const output = window.createOutputChannel('Cloze', { log: true });
  const status = createStatus();
  const tellFailure = createFailureMessage({
    showLog: () => output.show(),
    tryAgain: async () => (await client)?.sendNotification(RELOAD_METHOD),
  });
  const listener = {
    model(params: StatusParams) {
      status.show(params);
      tellFailure(params);
    },
    server: status.show,
  };

  // The client's code takes longer to load than all the rest: not while other extensions wait for their turn.
  const started = new Promise(setImmediate).then(async () => {
    const { startClient } = await import('./client.ts');
    return startClient(context.asAbsolutePath('dist/server.cjs'), output, listener);
  });
  client = started;
  context.subscriptions.push(
    output,
    status,
    ...registerCommands(started, output),
    createFillSelection(started, output),
    registerLens(context, started),
    registerChat(context, started, output),
  );
}

/** The editor waits for this when it closes: the server is asked to shut down, so no process is left behind. */
export async function deactivate(): Promise<void> {
  await (await client)?.stop();
}
