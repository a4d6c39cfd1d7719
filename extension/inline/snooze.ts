/** `Cloze: Snooze`: no ghost text while typing for some minutes; what is asked for by hand still comes. */
import { commands, type Disposable, l10n, window } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { SNOOZE_METHOD, type SnoozeParams } from '../../language-server/protocol.ts';

const MINUTES = [5, 15, 60];

export interface Snooze extends Disposable {
  /** A server that has just been started knows nothing of it yet. */
  tellAgain(): void;
}

/** `show` is told until when, and `undefined` when it has ended. */
export function createSnooze(client: Promise<LanguageClient>, show: (until: Date | undefined) => void): Snooze {
  let until = 0;
  let timer: NodeJS.Timeout | undefined;

  async function tell(): Promise<void> {
    const params: SnoozeParams = { until };
    const running = await client;
    if (running.isRunning()) await running.sendNotification(SNOOZE_METHOD, params);
  }

  async function snooze(minutes: number): Promise<void> {
    clearTimeout(timer);
    until = minutes === 0 ? 0 : Date.now() + minutes * 60_000;
    show(until === 0 ? undefined : new Date(until));
    if (until !== 0) timer = setTimeout(() => void snooze(0), minutes * 60_000);
    await tell();
    if (until !== 0) await commands.executeCommand('editor.action.inlineSuggest.hide');
  }

  async function choose(): Promise<void> {
    const end = { label: l10n.t('End Snoozing'), minutes: 0 };
    const choices = MINUTES.map((minutes) => ({ label: l10n.t('{0} Minutes', minutes), minutes }));
    const title = l10n.t('No Suggestions While Typing For');
    const chosen = await window.showQuickPick(until === 0 ? choices : [end, ...choices], { title });
    if (chosen) await snooze(chosen.minutes);
  }

  const command = commands.registerCommand('cloze.snooze', choose);
  return {
    tellAgain: () => void (until !== 0 && tell()),
    dispose() {
      clearTimeout(timer);
      command.dispose();
    },
  };
}
