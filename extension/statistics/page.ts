/** The statistics page in an editor: shows the store's counts, exports and wipes them. */
import {
  commands,
  Disposable,
  type ExtensionContext,
  l10n,
  Uri,
  ViewColumn,
  type WebviewPanel,
  window,
  workspace,
} from 'vscode';
import { isFromPage, type ToPage } from '../../media/statistics/messages.ts';
import { pageOf } from '../webview-page.ts';
import { dayOf, type StatisticsStore } from './store.ts';

/** `forget` makes the server forget what it learned. */
export function registerStatisticsPage(
  context: ExtensionContext,
  store: StatisticsStore,
  forget: () => Promise<void>,
): Disposable {
  const folder = Uri.joinPath(context.extensionUri, 'dist', 'statistics');
  let panel: WebviewPanel | undefined;

  async function refresh(): Promise<void> {
    const message: ToPage = { type: 'days', days: await store.read(), today: dayOf(Date.now()) };
    await panel?.webview.postMessage(message);
  }

  async function wipe(): Promise<void> {
    const sure = l10n.t('Wipe');
    const detail = l10n.t('The counts of all windows on this machine are deleted. This cannot be undone.');
    const options = { modal: true, detail };
    if ((await window.showWarningMessage(l10n.t('Wipe the statistics of Cloze?'), options, sure)) !== sure) return;
    await store.wipe();
    await forget();
    await refresh();
  }

  async function exportDays(): Promise<void> {
    const root = workspace.workspaceFolders?.[0]?.uri;
    const target = await window.showSaveDialog({
      ...(root && { defaultUri: Uri.joinPath(root, 'cloze-statistics.json') }),
      filters: { JSON: ['json'] },
    });
    if (!target) return;
    const text = JSON.stringify({ format: 1, days: await store.read() }, null, 2);
    await workspace.fs.writeFile(target, new TextEncoder().encode(`${text}\n`));
  }

  const actions = { ready: refresh, refresh, wipe, export: exportDays };

  function open(): void {
    if (panel) {
      panel.reveal();
      return;
    }
    const title = l10n.t('Cloze Statistics');
    panel = window.createWebviewPanel('cloze.statistics', title, ViewColumn.Active, {
      enableScripts: true,
      localResourceRoots: [folder],
    });
    panel.iconPath = Uri.joinPath(context.extensionUri, 'media', 'icon.svg');
    panel.onDidDispose(() => {
      panel = undefined;
    });
    panel.webview.onDidReceiveMessage((message: unknown) => {
      if (isFromPage(message)) actions[message.type]().catch(tellFailure);
    });
    panel.webview.html = pageOf(panel.webview, folder, { title, root: 'statistics', style: 'statistics.css' });
  }

  return Disposable.from(commands.registerCommand('cloze.showStatistics', open), { dispose: () => panel?.dispose() });
}

function tellFailure(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  void window.showErrorMessage(l10n.t('The statistics could not be written or removed: {0}', reason));
}
