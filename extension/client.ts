/** The language client: starts the server's process beside the extension host and keeps it in step with the editor. */
import { type LogOutputChannel, l10n } from 'vscode';
import { LanguageClient, RevealOutputChannelOn, TransportKind } from 'vscode-languageclient/node';

/** Everything that is text to edit; output, search results and diffs of the past are not. */
export const documentSelector = ['file', 'untitled', 'vscode-userdata', 'vscode-notebook-cell', 'vscode-vfs'].map(
  (scheme) => ({ scheme }),
);

export function createClient(serverModule: string, output: LogOutputChannel): LanguageClient {
  return new LanguageClient(
    'cloze',
    l10n.t('Cloze'),
    { module: serverModule, transport: TransportKind.ipc },
    {
      documentSelector,
      outputChannel: output,
      // A failing server is told by the status item and by one message, never by a panel that opens itself.
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    },
  );
}
