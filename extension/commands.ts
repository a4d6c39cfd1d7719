/** The commands of the palette and of the status item's menu. */
import { ConfigurationTarget, commands, type Disposable, type LogOutputChannel, l10n, window, workspace } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { createHold } from './inline/hold.ts';

/** True while the key that shows a suggestion is held: Alt+Enter takes it then. */
const HELD = 'cloze.held';

const WALKTHROUGH = 'workbench.action.openWalkthrough';

export function registerCommands(client: Promise<LanguageClient>, output: LogOutputChannel): Disposable[] {
  const register = commands.registerCommand;
  const hold = createHold({
    show: () => void commands.executeCommand('editor.action.inlineSuggest.trigger'),
    hide: () => void commands.executeCommand('editor.action.inlineSuggest.hide'),
    held: (on) => void commands.executeCommand('setContext', HELD, on),
  });
  return [
    hold,
    workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0 && document === window.activeTextEditor?.document) hold.changed();
    }),
    register('cloze.triggerInline', hold.pressed),
    register('cloze.toggle', toggle),
    register('cloze.restart', async () => restart(await client)),
    register('cloze.showLog', () => output.show()),
    register('cloze.showMenu', showMenu),
  ];
}

function restart(client: LanguageClient): Promise<void> {
  return client.isRunning() ? client.restart() : client.start();
}

/** Changes `cloze.enable` where it is set now, so that the change has an effect; else for the user. */
async function toggle(): Promise<void> {
  const settings = workspace.getConfiguration('cloze');
  const set = settings.inspect<boolean>('enable');
  const target =
    set?.workspaceFolderValue !== undefined
      ? ConfigurationTarget.WorkspaceFolder
      : set?.workspaceValue !== undefined
        ? ConfigurationTarget.Workspace
        : ConfigurationTarget.Global;
  await settings.update('enable', !settings.get('enable', true), target);
}

async function showMenu(): Promise<void> {
  const enabled = workspace.getConfiguration('cloze').get('enable', true);
  const choice = await window.showQuickPick(
    [
      enabled
        ? { label: `$(circle-slash) ${l10n.t('Turn Completions Off')}`, command: 'cloze.toggle' }
        : { label: `$(sparkle) ${l10n.t('Turn Completions On')}`, command: 'cloze.toggle' },
      { label: `$(bell-slash) ${l10n.t('Snooze')}`, command: 'cloze.snooze' },
      { label: `$(question) ${l10n.t('Why No Suggestion?')}`, command: 'cloze.whyNoSuggestion' },
      { label: `$(package) ${l10n.t('Models')}`, command: 'cloze.models' },
      { label: `$(beaker) ${l10n.t('Tune on This Workspace')}`, command: 'cloze.tune' },
      { label: `$(eye) ${l10n.t('Open the Lens')}`, command: 'cloze.openLens' },
      { label: `$(graph) ${l10n.t('Show Statistics')}`, command: 'cloze.showStatistics' },
      { label: `$(output) ${l10n.t('Show Log')}`, command: 'cloze.showLog' },
      { label: `$(debug-restart) ${l10n.t('Restart the Language Server')}`, command: 'cloze.restart' },
      { label: `$(gear) ${l10n.t('Open Settings')}`, command: 'workbench.action.openSettings', argument: 'cloze.' },
      { label: `$(clippy) ${l10n.t('Copy Diagnostics')}`, command: 'cloze.copyDiagnostics' },
      { label: `$(book) ${l10n.t('Open the Walkthrough')}`, command: WALKTHROUGH, argument: 'cloze.cloze#cloze.start' },
    ],
    { title: 'Cloze' },
  );
  if (choice) await commands.executeCommand(choice.command, choice.argument);
}
