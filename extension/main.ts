/** The extension. Activation only wires: the model is loaded by the server's process, and nothing here waits for it. */
import { type ExtensionContext, window } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { RELOAD_METHOD, type StatusParams } from '../language-server/protocol.ts';
import { registerChat } from './chat/chat.ts';
import { registerCommands } from './commands.ts';
import { registerDiagnostics } from './diagnostics.ts';
import { createFailureMessage } from './failure.ts';
import { createFillSelection } from './fill/fill-selection.ts';
import { createAsking } from './inline/asking.ts';
import { createDeclarations } from './inline/declarations.ts';
import { createIndentation } from './inline/indentation.ts';
import { createSnooze } from './inline/snooze.ts';
import { registerWhy } from './inline/why.ts';
import { registerLens } from './lens.ts';
import { registerModels } from './models/models.ts';
import { createStatistics, outcomesFile, type Statistics } from './statistics/statistics.ts';
import { createStatus } from './status.ts';
import { registerTuning } from './tuning/tuning.ts';

let client: Promise<LanguageClient> | undefined;
let statistics: Statistics | undefined;

export function activate(context: ExtensionContext): void {
  const output = window.createOutputChannel('Cloze', { log: true });
  const status = createStatus();
  const tellFailure = createFailureMessage({
    showLog: () => output.show(),
    tryAgain: async () => (await client)?.sendNotification(RELOAD_METHOD),
  });
  let last: StatusParams | undefined;
  statistics = createStatistics(context, output, async (method, params) => {
    const running = await client;
    if (running?.isRunning()) await running.sendNotification(method, params);
  });
  const listener = {
    ...statistics,
    model(params: StatusParams) {
      if (params.state === 'loading') {
        snooze.tellAgain();
        indentation.tellAgain();
      }
      asking.served(true);
      last = params;
      status.show(params);
      tellFailure(params);
    },
    server(params: StatusParams) {
      asking.served(false);
      last = params;
      status.show(params);
    },
  };

  // The client's code takes longer to load than all the rest: not while other extensions wait for their turn.
  const started = new Promise(setImmediate).then(async () => {
    const { startClient } = await import('./client.ts');
    const server = { module: context.asAbsolutePath('dist/server.cjs'), outcomesFile: outcomesFile(context) };
    return startClient(server, output, listener, asking);
  });
  client = started;
  const asking = createAsking(started);
  const snooze = createSnooze(started, status.snoozed);
  const indentation = createIndentation(started);
  context.subscriptions.push(
    output,
    status,
    asking,
    snooze,
    createDeclarations(started),
    indentation,
    registerWhy(started),
    statistics,
    ...registerCommands(started, output),
    createFillSelection(started, output),
    registerLens(context, started),
    registerModels(started, output),
    registerTuning(started, output),
    registerDiagnostics(context, () => last),
    registerChat(context, started, output),
  );
}

/** The editor waits for this when it closes: the server is asked to shut down, so no process is left behind. */
export async function deactivate(): Promise<void> {
  await Promise.all([client?.then((running) => running.stop()), statistics?.flush()]);
}
