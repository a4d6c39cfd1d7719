/** What else can be done with one filled blank: its borders, and how long its text may be. */
import { l10n, window } from 'vscode';
import type { FillLength } from '../../language-server/protocol.ts';

export type FillAction = 'wider' | 'narrower' | FillLength;

const LINES = [2, 4, 8, 16];

/** `undefined` when the user chose nothing. */
export async function pickAction(): Promise<FillAction | undefined> {
  const item = (label: string, action: FillAction) => ({ label, action });
  const picked = await window.showQuickPick(
    [
      item(l10n.t('Wider: take in more of the text'), 'wider'),
      item(l10n.t('Narrower: give back some of the text'), 'narrower'),
      item(l10n.t('One line'), 'line'),
      ...LINES.map((count) => item(l10n.t('At most {0} lines', count), count)),
      item(l10n.t('As long as the model finds right'), 'block'),
    ],
    { title: l10n.t('Fill again') },
  );
  return picked?.action;
}
