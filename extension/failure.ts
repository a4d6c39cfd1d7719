/** Tells the user that there is no model: one message for one failure, with what can be done about it. */
import { commands, l10n, window } from 'vscode';
import type { StatusParams } from '../language-server/protocol.ts';

export interface Actions {
  showLog(): void;
  tryAgain(): Promise<void>;
}

/** Returns a listener for status changes. The same failure is told again only after the model was ready in between. */
export function createFailureMessage(actions: Actions): (status: StatusParams) => void {
  let told: string | undefined;
  return ({ state, message }) => {
    if (state === 'ready') told = undefined;
    if (state !== 'failed' || message === undefined || message === told) return;
    told = message;
    void tell(message, actions);
  };
}

async function tell(message: string, { showLog, tryAgain }: Actions): Promise<void> {
  const log = l10n.t('Show Log');
  const settings = l10n.t('Open Settings');
  const again = l10n.t('Try Again');
  const chosen = await window.showErrorMessage(l10n.t('Cloze has no model: {0}', message), log, settings, again);
  if (chosen === log) showLog();
  if (chosen === settings) void commands.executeCommand('workbench.action.openSettings', 'cloze.model.path');
  if (chosen === again) await tryAgain();
}
