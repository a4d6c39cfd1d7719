/** What a user reads about tuning. */
import { l10n } from 'vscode';
import type { TunedResult, TuningProgress, TuningStage } from '../../language-server/protocol.ts';

export function progressInWords(progress: TuningProgress | undefined): string {
  if (!progress) return l10n.t('Tuning: reading the project');
  const { stage, done, all, paused } = progress;
  if (paused === 'user') return l10n.t('Tuning: paused');
  if (paused === 'battery') return l10n.t('Tuning: waits for power');
  const share = all > 0 ? ` ${Math.floor((100 * done) / all)} %` : '';
  return `${stageInWords(stage)}${share}`;
}

function stageInWords(stage: TuningStage): string {
  switch (stage) {
    case 'reading':
      return l10n.t('Tuning: reading the project');
    case 'remembering':
      return l10n.t('Tuning: remembering');
    case 'training':
      return l10n.t('Tuning: training');
    case 'measuring':
      return l10n.t('Tuning: measuring');
  }
}

export function resultInWords({ used, unseen, guard }: TunedResult): string {
  const percent = (share: number) => (100 * share).toFixed(1);
  if (!used) {
    return l10n.t('The tuned model is not better on files that it has not seen, so nothing was changed.');
  }
  return l10n.t(
    'The tuned model is in use: on files of this workspace that it has not seen it fills {0} % of blanks exactly instead of {1} %, on other code {2} % instead of {3} %.',
    percent(unseen.after),
    percent(unseen.before),
    percent(guard.after),
    percent(guard.before),
  );
}
