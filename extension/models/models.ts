/** `Cloze: Models`: which models there are, and what to do with them. The work is the server's. */
import { commands, type Disposable, type LogOutputChannel, l10n, type QuickPick, window, workspace } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { MODELS_METHOD, type ModelsResult } from '../../language-server/protocol.ts';
import { addFolder, manage, remove } from './actions.ts';
import { download } from './download.ts';
import { type ListItem, listItems } from './list.ts';
import { bytesInWords } from './words.ts';

export function registerModels(client: Promise<LanguageClient>, output: LogOutputChannel): Disposable {
  return commands.registerCommand('cloze.models', async () => {
    try {
      await show(await client);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      output.error(message);
      void window.showErrorMessage(message);
    }
  });
}

async function show(client: LanguageClient): Promise<void> {
  const chosen = await choose(client);
  if (!chosen) return;
  const { item, button } = chosen;
  if (item.does === 'add') return addFolder(client);
  if (item.does === 'download') return download(client);
  if (item.does === 'settings') {
    await commands.executeCommand('workbench.action.openSettings', 'cloze.model.path');
    return;
  }
  if (!item.model) return;
  if (button) await remove(client, item.model);
  else await manage(client, item.model);
}

/** The list is shown at once, and its lines when the server has them. */
async function choose(client: LanguageClient): Promise<{ item: ListItem; button: boolean } | undefined> {
  const list: QuickPick<ListItem> = window.createQuickPick<ListItem>();
  list.title = l10n.t('Models');
  list.busy = true;
  list.matchOnDescription = true;
  const decided = new Promise<{ item: ListItem; button: boolean } | undefined>((resolve) => {
    list.onDidAccept(() => list.selectedItems[0] && resolve({ item: list.selectedItems[0], button: false }));
    list.onDidTriggerItemButton(({ item }) => resolve({ item, button: true }));
    list.onDidHide(() => resolve(undefined));
  });
  list.show();
  try {
    const result = await client.sendRequest<ModelsResult>(MODELS_METHOD);
    const { available, total } = result.memory;
    list.placeholder = l10n.t('{0} of {1} of memory are free', bytesInWords(available), bytesInWords(total));
    list.items = listItems(result, workspace.getConfiguration('cloze').get('model.runtime', 'native'));
    list.busy = false;
    return await decided;
  } finally {
    list.dispose();
  }
}
