/**
 * The Lens beside the editor: a page that shows what the model computed for its last fill. The page may run its own
 * script and use its own style sheet, nothing else; what it says is checked before it is believed.
 */
import {
  commands,
  Disposable,
  type ExtensionContext,
  env,
  l10n,
  Uri,
  ViewColumn,
  type WebviewPanel,
  window,
  workspace,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { type FillTrace, LENS_METHOD, TRACE_METHOD, TRACED_METHOD } from '../language-server/protocol.ts';
import { type FromPage, isFromPage, isTrace, type ToPage } from '../media/lens/messages.ts';
import { pageOf } from './page.ts';

const VIEW_TYPE = 'cloze.lens';
/** The client's state `Running`; its module is too heavy to load for one number. */
const RUNNING = 2;

/** Registers the command and the restoring of a Lens that was open when the window was closed. */
export function registerLens(context: ExtensionContext, client: Promise<LanguageClient>): Disposable {
  const folder = Uri.joinPath(context.extensionUri, 'dist', 'lens');
  let panel: WebviewPanel | undefined;
  let asking: Promise<void> | undefined;
  let askAgain = false;

  async function tellServer(): Promise<void> {
    const running = await client;
    if (running.isRunning()) await running.sendNotification(LENS_METHOD, { open: panel !== undefined });
  }

  /** Asks for the trace and shows it. However many are told of meanwhile, only one question is under way. */
  function refresh(): void {
    if (asking) {
      askAgain = true;
      return;
    }
    asking = ask().finally(() => {
      asking = undefined;
      if (askAgain) refresh();
    });
  }

  async function ask(): Promise<void> {
    askAgain = false;
    const running = await client;
    if (!panel || !running.isRunning()) return;
    try {
      const trace = await running.sendRequest<FillTrace | null>(TRACE_METHOD);
      if (trace !== null && isTrace(trace)) await panel?.webview.postMessage({ type: 'trace', trace } satisfies ToPage);
    } catch {
      // The server went away while it was asked; when it is back it tells of the next trace.
    }
  }

  async function hear(message: FromPage): Promise<void> {
    switch (message.type) {
      case 'ready':
        return refresh();
      case 'copy':
        await env.clipboard.writeText(message.text);
        window.setStatusBarMessage(l10n.t('Cloze: the trace is on the clipboard.'), 3000);
        return;
      case 'save':
        return savePicture(message.svg);
    }
  }

  async function adopt(opened: WebviewPanel): Promise<void> {
    panel = opened;
    opened.iconPath = Uri.joinPath(context.extensionUri, 'media', 'icon.svg');
    opened.onDidDispose(() => {
      if (panel !== opened) return;
      panel = undefined;
      void tellServer();
    });
    opened.webview.onDidReceiveMessage((message: unknown) => {
      if (isFromPage(message)) void hear(message);
    });
    opened.webview.options = { enableScripts: true, localResourceRoots: [folder] };
    opened.webview.html = pageOf(opened.webview, { folder, name: 'lens', title: 'Cloze Lens' });
    await tellServer();
  }

  async function open(): Promise<void> {
    if (panel) return panel.reveal(undefined, true);
    const beside = { viewColumn: ViewColumn.Beside, preserveFocus: true };
    await adopt(window.createWebviewPanel(VIEW_TYPE, l10n.t('Cloze Lens'), beside, { retainContextWhenHidden: true }));
  }

  const listening = client.then((started) => [
    started.onNotification(TRACED_METHOD, refresh),
    // A server that was started anew knows nothing of an open Lens.
    started.onDidChangeState(({ newState }) => {
      if (newState === RUNNING && panel) void tellServer().then(refresh);
    }),
  ]);
  return Disposable.from(
    commands.registerCommand('cloze.openLens', open),
    window.registerWebviewPanelSerializer(VIEW_TYPE, { deserializeWebviewPanel: adopt }),
    { dispose: () => void listening.then((all) => Disposable.from(...all).dispose()) },
  );
}

async function savePicture(svg: string): Promise<void> {
  const root = workspace.workspaceFolders?.[0]?.uri;
  const target = await window.showSaveDialog({
    ...(root && { defaultUri: Uri.joinPath(root, 'cloze-lens.svg') }),
    filters: { SVG: ['svg'] },
  });
  if (!target) return;
  try {
    await workspace.fs.writeFile(target, new TextEncoder().encode(svg));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void window.showErrorMessage(
      l10n.t('The picture could not be saved as {0}: {1} Choose another folder.', target.fsPath, reason),
    );
  }
}
