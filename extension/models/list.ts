/** The list of `Cloze: Models`: what there is, what it takes, what it is used for. */
import { l10n, type QuickInputButton, type QuickPickItem, QuickPickItemKind, ThemeIcon } from 'vscode';
import type { EditorTask, ModelInfo, ModelsResult, ModelWay } from '../../language-server/protocol.ts';
import { bytesInWords, countInWords, memoryBar } from './words.ts';

export interface ListItem extends QuickPickItem {
  model?: ModelInfo;
  does?: 'add' | 'download' | 'settings';
}

/** On the line of a model that can be removed. */
export const removeButton = (): QuickInputButton => ({
  iconPath: new ThemeIcon('trash'),
  tooltip: l10n.t('Remove'),
});

export function listItems({ models, setting }: ModelsResult, runtime: string): ListItem[] {
  return [
    ...(setting === ''
      ? []
      : [
          {
            label: `$(info) ${l10n.t('The settings name a folder (cloze.model.path)')}`,
            detail: setting,
            does: 'settings' as const,
          },
        ]),
    { label: l10n.t('Models'), kind: QuickPickItemKind.Separator },
    ...models.map((model) => modelItem(model, runtime)),
    { label: l10n.t('Get another'), kind: QuickPickItemKind.Separator },
    { label: `$(folder-opened) ${l10n.t('Add a Folder…')}`, does: 'add' },
    { label: `$(cloud-download) ${l10n.t('Download from a Hub…')}`, does: 'download' },
  ];
}

function modelItem(model: ModelInfo, runtime: string): ListItem {
  const { name, origin, usedFor, parameters, bytes, ways, problem } = model;
  const facts = [
    originInWords(origin),
    ...(parameters === undefined ? [] : [l10n.t('{0} parameters', countInWords(parameters))]),
    ...(bytes === undefined ? [] : [bytesInWords(bytes)]),
    ...(usedFor.length === 0 ? [] : [usedFor.map(taskInWords).join(', ')]),
  ];
  const way = ways.find((candidate) => candidate.runtime === runtime) ?? ways[0];
  const icon = problem === undefined ? (usedFor.length > 0 ? 'check' : 'circle-large-outline') : 'warning';
  const detail = problem ?? (way && wayInWords(way));
  return {
    label: `$(${icon}) ${name}`,
    description: facts.join(' · '),
    ...(detail === undefined ? {} : { detail }),
    ...(isInstalled(model) ? { buttons: [removeButton()] } : {}),
    model,
  };
}

/** One that the user installed, and can remove. */
export function isInstalled({ origin }: ModelInfo): boolean {
  return origin === 'added' || origin === 'downloaded';
}

/** e.g. `▰▰▱▱▱▱▱▱▱▱ native bfloat16: 1.2 GB of 8.0 GB free`. */
export function wayInWords({ name, bytes, available, fits }: ModelWay): string {
  if (available === undefined)
    return l10n.t('{0}: {1}; the free memory of the device is not known', name, bytesInWords(bytes));
  const said = `${memoryBar(bytes, available)} ${l10n.t('{0}: {1} of {2} free', name, bytesInWords(bytes), bytesInWords(available))}`;
  return fits === false ? `${said} · ${l10n.t('does not fit')}` : said;
}

export function taskInWords(task: EditorTask): string {
  switch (task) {
    case 'inline':
      return l10n.t('completions');
    case 'fill':
      return l10n.t('Fill Selection');
    case 'chat':
      return l10n.t('chat');
  }
}

function originInWords(origin: ModelInfo['origin']): string {
  switch (origin) {
    case 'shipped':
      return l10n.t('comes with Cloze');
    case 'added':
      return l10n.t('your folder');
    case 'downloaded':
      return l10n.t('downloaded');
    case 'tuned':
      return l10n.t('tuned on this project');
    case 'setting':
      return l10n.t('named in the settings');
  }
}
