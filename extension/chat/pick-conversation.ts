/** The history as a list that is searched while one types, in all that was said. */
import { l10n, type QuickInputButton, type QuickPickItem, ThemeIcon, window } from 'vscode';
import { type Conversation, changedAt, searchIn, titleOf } from './conversation.ts';
import type { History } from './history.ts';

interface Item extends QuickPickItem {
  conversation: Conversation;
}

export async function pickConversation(history: History): Promise<Conversation | undefined> {
  const picker = window.createQuickPick<Item>();
  const remove: QuickInputButton = { iconPath: new ThemeIcon('trash'), tooltip: l10n.t('Delete') };
  picker.title = l10n.t('Conversations of This Workspace');
  picker.placeholder = l10n.t('Search in all that was said');

  async function list(): Promise<void> {
    const query = picker.value;
    const conversations = await history.all();
    if (query !== picker.value) return;
    picker.items = conversations.flatMap((conversation): Item[] => {
      const line = searchIn(conversation, query);
      if (line === undefined) return [];
      const title = titleOf(conversation);
      return [
        {
          label: title === '' ? l10n.t('Without a title') : title,
          description: new Date(changedAt(conversation)).toLocaleString(),
          ...(line !== title && { detail: line.slice(0, 200) }),
          // Found by our own search, which the list's own filter knows nothing of.
          alwaysShow: true,
          buttons: [remove],
          conversation,
        },
      ];
    });
  }

  picker.onDidChangeValue(() => void list());
  picker.onDidTriggerItemButton(async ({ item }) => {
    await history.remove(item.conversation.id);
    await list();
  });
  picker.show();
  await list();
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      resolve(picker.activeItems[0]?.conversation);
      picker.hide();
    });
    picker.onDidHide(() => {
      picker.dispose();
      resolve(undefined);
    });
  });
}
