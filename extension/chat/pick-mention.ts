/** Lets the user find a file or a symbol of the workspace, for a mention of it. */
import { commands, l10n, type QuickPickItem, type SymbolInformation, window, workspace } from 'vscode';

const MOST_FILES = 2000;
/** Milliseconds of quiet before symbols are searched. */
const SEARCH_DELAY = 150;

/** `@file:path`; undefined when nothing was chosen. */
export async function pickFile(): Promise<string | undefined> {
  const found = workspace.findFiles('**/*', undefined, MOST_FILES).then((uris) =>
    uris
      .map((uri) => workspace.asRelativePath(uri, false))
      .toSorted()
      .map((label) => ({ label })),
  );
  const chosen = await window.showQuickPick(found, { title: l10n.t('File to Send Along') });
  return chosen && `@file:${quoted(chosen.label)}`;
}

/** `@symbol:name`; undefined when nothing was chosen. */
export function pickSymbol(): Promise<string | undefined> {
  const picker = window.createQuickPick();
  let timer: NodeJS.Timeout | undefined;
  picker.title = l10n.t('Symbol to Send Along');
  picker.placeholder = l10n.t('Type a part of its name');
  const search = async (query: string): Promise<void> => {
    picker.busy = true;
    const found = await commands.executeCommand<SymbolInformation[] | undefined>(
      'vscode.executeWorkspaceSymbolProvider',
      query,
    );
    if (query !== picker.value) return;
    picker.items = (found ?? []).map(itemOf);
    picker.busy = false;
  };
  picker.onDidChangeValue((query) => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(query), SEARCH_DELAY);
  });
  picker.show();
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      const [chosen] = picker.activeItems;
      resolve(chosen && `@symbol:${quoted(chosen.label)}`);
      picker.hide();
    });
    picker.onDidHide(() => {
      clearTimeout(timer);
      picker.dispose();
      resolve(undefined);
    });
  });
}

function itemOf({ name, containerName, location }: SymbolInformation): QuickPickItem {
  const path = workspace.asRelativePath(location.uri, false);
  return { label: name.replace(/\(.*$/, ''), description: containerName, detail: path, alwaysShow: true };
}

function quoted(text: string): string {
  return /[\s,;]/.test(text) ? `"${text}"` : text;
}
