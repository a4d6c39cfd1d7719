/** What can be done with one model. */
import { ConfigurationTarget, l10n, type QuickPickItem, QuickPickItemKind, Uri, window, workspace } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  ADD_MODEL_METHOD,
  type AddModelParams,
  EDITOR_TASKS,
  type EditorTask,
  type ModelInfo,
  type ModelRuntime,
  type NamedModel,
  REMOVE_MODEL_METHOD,
  USE_MODEL_METHOD,
  type UseModelParams,
} from '../../language-server/protocol.ts';
import { isInstalled, taskInWords, wayInWords } from './list.ts';
import { bytesInWords } from './words.ts';

interface Action extends QuickPickItem {
  run?: () => Promise<void>;
}

/** Lets the user choose what to do with a model. */
export async function manage(client: LanguageClient, model: ModelInfo): Promise<void> {
  const { name, folder, usedFor, ways, problem } = model;
  const runtime = workspace.getConfiguration('cloze').get<ModelRuntime>('model.runtime', 'native');
  const using = (label: string, tasks: readonly EditorTask[]): Action => ({
    label,
    ...(tasks.every((task) => usedFor.includes(task)) ? { description: l10n.t('as now') } : {}),
    run: () => use(client, model, tasks),
  });
  const actions: Action[] = [
    ...(problem === undefined
      ? [
          using(l10n.t('Use for Everything'), EDITOR_TASKS),
          ...EDITOR_TASKS.map((task) => using(l10n.t('Use for: {0}', taskInWords(task)), [task])),
          { label: l10n.t('What computes the models'), kind: QuickPickItemKind.Separator },
          ...ways.map(
            (way): Action => ({
              label: way.runtime,
              ...(way.runtime === runtime ? { description: l10n.t('as now') } : {}),
              detail: wayInWords(way),
              run: () => setRuntime(way.runtime),
            }),
          ),
        ]
      : []),
    ...(isInstalled(model)
      ? [
          { label: folder, kind: QuickPickItemKind.Separator },
          { label: `$(trash) ${l10n.t('Remove…')}`, run: () => remove(client, model) },
        ]
      : []),
  ];
  const chosen = await window.showQuickPick(actions, {
    title: l10n.t('Model {0}', name),
    placeHolder: problem ?? folder,
  });
  await chosen?.run?.();
}

/** The setting, where it is set, comes before what is chosen here: it has to go, which the user decides. */
export async function use(client: LanguageClient, model: ModelInfo, tasks: readonly EditorTask[]): Promise<void> {
  const { name, origin } = model;
  if (origin === 'setting') return;
  if (!(await clearSetting())) return;
  // The one that was tuned on the project is used where nothing else was chosen.
  const params: UseModelParams = { name: origin === 'tuned' ? 'embedded' : name, tasks: [...tasks] };
  await client.sendRequest(USE_MODEL_METHOD, params);
  const used = tasks.map(taskInWords).join(', ');
  window.setStatusBarMessage(l10n.t('Cloze: {0} is used for {1}.', name, used), 5000);
}

async function clearSetting(): Promise<boolean> {
  const settings = workspace.getConfiguration('cloze');
  if (settings.get('model.path', '') === '') return true;
  const clear = l10n.t('Clear the Setting');
  const chosen = await window.showWarningMessage(
    l10n.t('The setting cloze.model.path names a folder, which is used for everything.'),
    { modal: true, detail: settings.get('model.path', '') },
    clear,
  );
  if (chosen !== clear) return false;
  const set = settings.inspect<string>('model.path');
  const places = [
    [set?.globalValue, ConfigurationTarget.Global],
    [set?.workspaceValue, ConfigurationTarget.Workspace],
    [set?.workspaceFolderValue, ConfigurationTarget.WorkspaceFolder],
  ] as const;
  for (const [value, target] of places) if (value !== undefined) await settings.update('model.path', undefined, target);
  return true;
}

async function setRuntime(runtime: ModelRuntime): Promise<void> {
  await workspace.getConfiguration('cloze').update('model.runtime', runtime, ConfigurationTarget.Global);
}

export async function remove(client: LanguageClient, { name, folder, origin, bytes }: ModelInfo): Promise<void> {
  const confirm = l10n.t('Remove');
  const detail =
    origin === 'downloaded'
      ? l10n.t('Its folder is deleted: {0} ({1}).', folder, bytesInWords(bytes ?? 0))
      : l10n.t('Its folder stays where it is: {0}.', folder);
  const chosen = await window.showWarningMessage(
    l10n.t('Remove the model {0}?', name),
    { modal: true, detail },
    confirm,
  );
  if (chosen !== confirm) return;
  const params: NamedModel = { name };
  await client.sendRequest(REMOVE_MODEL_METHOD, params);
}

/** Asks for a folder and a name, and offers to use what was installed. */
export async function addFolder(client: LanguageClient): Promise<void> {
  const folders = await window.showOpenDialog({
    title: l10n.t('Folder of a Model'),
    openLabel: l10n.t('Add'),
    canSelectFiles: false,
    canSelectFolders: true,
  });
  const folder = folders?.[0];
  if (!folder) return;
  const name = await window.showInputBox({
    title: l10n.t('Name of the Model'),
    value: lastPart(folder),
    ignoreFocusOut: true,
    validateInput: (value) =>
      /^\w[\w.-]{0,99}$/.test(value.trim())
        ? undefined
        : l10n.t('A name has letters, digits, ".", "-" and "_", and begins with a letter or digit.'),
  });
  if (name === undefined) return;
  const params: AddModelParams = { folder: folder.fsPath, name: name.trim() };
  await offerUse(client, await client.sendRequest<NamedModel>(ADD_MODEL_METHOD, params));
}

function lastPart(folder: Uri): string {
  return (
    Uri.joinPath(folder, '.')
      .path.split('/')
      .findLast((part) => part !== '') ?? ''
  );
}

export async function offerUse(client: LanguageClient, { name }: NamedModel): Promise<void> {
  const yes = l10n.t('Use It');
  const chosen = await window.showInformationMessage(l10n.t('The model {0} is installed.', name), yes);
  if (chosen !== yes || !(await clearSetting())) return;
  const params: UseModelParams = { name, tasks: [...EDITOR_TASKS] };
  await client.sendRequest(USE_MODEL_METHOD, params);
}
