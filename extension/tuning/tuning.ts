/**
 * `Cloze: Tune on This Workspace`: starts the server's tuning, shows how far it is in the status bar, where it can be paused
 * and stopped, and at the end what it brought, with the way back.
 */
import {
  CancellationTokenSource,
  commands,
  Disposable,
  EventEmitter,
  type LogOutputChannel,
  l10n,
  StatusBarAlignment,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  PAUSE_TUNING_METHOD,
  type PauseTuningParams,
  ROLL_BACK_METHOD,
  type RollBackParams,
  TUNE_METHOD,
  TUNING_METHOD,
  type TunedResult,
  type TuneParams,
  type TuningProgress,
} from '../../language-server/protocol.ts';
import { progressInWords, resultInWords } from './words.ts';

const SCHEME = 'cloze-tuning';

interface Running {
  stop: CancellationTokenSource;
  last: TuningProgress | undefined;
}

export function registerTuning(client: Promise<LanguageClient>, output: LogOutputChannel): Disposable {
  const address = Uri.from({ scheme: SCHEME, path: `/${l10n.t('Tuning')}.md` });
  const changed = new EventEmitter<Uri>();
  const bar = window.createStatusBarItem('cloze.tuning', StatusBarAlignment.Right, 99);
  bar.name = l10n.t('Cloze: Tuning');
  bar.command = 'cloze.tuningMenu';
  let running: Running | undefined;
  let report = '';

  function show(progress: TuningProgress | undefined): void {
    if (!running) return;
    running.last = progress;
    bar.text = `${progress?.paused ? '$(debug-pause)' : '$(beaker)'} ${progressInWords(progress)}`;
    bar.tooltip = l10n.t('Cloze is tuned on this workspace. Click to pause or to stop it.');
    bar.show();
  }

  async function tune(): Promise<void> {
    if (running) return menu();
    const folder = folderToTune();
    if (!folder) return;
    const active = await client;
    running = { stop: new CancellationTokenSource(), last: undefined };
    const { token } = running.stop;
    const listener = active.onNotification(TUNING_METHOD, show);
    show(undefined);
    try {
      const minutes = workspace.getConfiguration('cloze').get('tuning.minutes', 4);
      const params: TuneParams = { folder: folder.toString(), ...(minutes > 0 ? { minutes } : { method: 'memory' }) };
      tell(await active.sendRequest<TunedResult>(TUNE_METHOD, params, token), folder);
    } catch (error) {
      if (!token.isCancellationRequested) throw error;
      void window.showInformationMessage(l10n.t('Tuning was stopped. Asked for again, it goes on where it was.'));
    } finally {
      listener.dispose();
      running.stop.dispose();
      running = undefined;
      bar.hide();
    }
  }

  function tell(result: TunedResult, folder: Uri): void {
    report = result.report;
    changed.fire(address);
    const [open, back] = [l10n.t('Show Report'), l10n.t('Go Back')];
    const actions = result.used ? [open, back] : [open];
    void window.showInformationMessage(resultInWords(result), ...actions).then(async (chosen) => {
      if (chosen === open) await commands.executeCommand('markdown.showPreview', address);
      if (chosen === back) await guarded(() => rollBack(folder));
    });
  }

  async function rollBack(folder: Uri): Promise<void> {
    const params: RollBackParams = { folder: folder.toString() };
    const number = await (await client).sendRequest<number>(ROLL_BACK_METHOD, params);
    void window.showInformationMessage(
      number === 0
        ? l10n.t('The model that comes with Cloze is used again.')
        : l10n.t('Tuned model {0} is used again.', number),
    );
  }

  async function menu(): Promise<void> {
    if (!running) return;
    const paused = running.last?.paused === 'user';
    const pause = paused ? `$(debug-continue) ${l10n.t('Go On')}` : `$(debug-pause) ${l10n.t('Pause')}`;
    const stop = `$(debug-stop) ${l10n.t('Stop Tuning')}`;
    const chosen = await window.showQuickPick([pause, stop], { title: progressInWords(running.last) });
    if (chosen === stop) running?.stop.cancel();
    if (chosen === pause) {
      const params: PauseTuningParams = { paused: !paused };
      await (await client).sendNotification(PAUSE_TUNING_METHOD, params);
    }
  }

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      output.error(message);
      void window.showErrorMessage(message);
    }
  }

  return Disposable.from(
    changed,
    bar,
    workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: () => report,
    }),
    commands.registerCommand('cloze.tune', () => guarded(tune)),
    commands.registerCommand('cloze.tuningMenu', () => guarded(menu)),
    commands.registerCommand('cloze.rollBackTuning', () =>
      guarded(async () => {
        const folder = folderToTune();
        if (folder) await rollBack(folder);
      }),
    ),
  );
}

/** The first folder of a trusted workspace, as the server takes its tuned model from there; else says why there is none. */
function folderToTune(): Uri | undefined {
  if (!workspace.isTrusted) {
    void window.showWarningMessage(
      l10n.t('Tuning reads all source files of the workspace, which you do not trust. Trust it first.'),
    );
    return undefined;
  }
  const folder = workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
  if (!folder) void window.showWarningMessage(l10n.t('Tuning needs a folder on this machine. Open one first.'));
  return folder?.uri;
}
