/** What the user sees of the model's state: an item in the status bar, and one in the language status of the editor. */
import {
  type Disposable,
  LanguageStatusSeverity,
  l10n,
  languages,
  MarkdownString,
  StatusBarAlignment,
  ThemeColor,
  window,
} from 'vscode';
import type { ModelState, StatusParams } from '../language-server/protocol.ts';
import { documentSelector } from './document-selector.ts';

/** A shorter call of the model is not shown: the icon would blink at every keystroke. */
const SHOW_BUSY_AFTER = 400;

const icons: Record<ModelState, string> = {
  loading: '$(loading~spin)',
  ready: '$(sparkle)',
  busy: '$(loading~spin)',
  asleep: '$(sparkle)',
  failed: '$(warning)',
  disabled: '$(circle-slash)',
};

export interface Status extends Disposable {
  show(status: StatusParams): void;
  /** Until when nothing is suggested while typing; `undefined` when that has ended. */
  snoozed(until: Date | undefined): void;
}

export function createStatus(): Status {
  const bar = window.createStatusBarItem('cloze.status', StatusBarAlignment.Right, 100);
  const item = languages.createLanguageStatusItem('cloze.status', documentSelector);
  let timer: NodeJS.Timeout | undefined;
  let shown: StatusParams = { state: 'loading', model: '', device: '' };
  let snoozedUntil: Date | undefined;

  function draw(status: StatusParams): void {
    shown = status;
    const { state, model, device, lastLatency } = status;
    const sleeping = snoozedUntil !== undefined && (state === 'ready' || state === 'busy' || state === 'asleep');
    const says = sleeping ? describeSnooze(snoozedUntil) : describe(status);
    const details = [model, device, lastLatency === undefined ? '' : l10n.t('{0} ms', Math.round(lastLatency))];
    const detail = details.filter((text) => text !== '').join(' · ');

    bar.text = `${sleeping ? '$(bell-slash)' : icons[state]} Cloze`;
    bar.tooltip = new MarkdownString().appendText([says, detail].filter(Boolean).join('\n\n'));
    bar.backgroundColor = state === 'failed' ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    bar.accessibilityInformation = { label: `Cloze: ${says}` };

    item.text = says;
    item.detail = detail;
    item.busy = state === 'loading' || state === 'busy';
    item.severity = state === 'failed' ? LanguageStatusSeverity.Warning : LanguageStatusSeverity.Information;
  }

  bar.name = 'Cloze';
  bar.command = 'cloze.showMenu';
  item.name = 'Cloze';
  item.command = { command: 'cloze.showMenu', title: l10n.t('Menu') };
  draw(shown);
  bar.show();

  return {
    show(status) {
      clearTimeout(timer);
      if (status.state === 'busy') timer = setTimeout(() => draw(status), SHOW_BUSY_AFTER);
      else draw(status);
    },
    snoozed(until) {
      snoozedUntil = until;
      draw(shown);
    },
    dispose() {
      clearTimeout(timer);
      bar.dispose();
      item.dispose();
    },
  };
}

function describeSnooze(until: Date | undefined): string {
  return l10n.t('Snoozed until {0}', until?.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }) ?? '');
}

function describe({ state, message }: StatusParams): string {
  switch (state) {
    case 'loading':
      return l10n.t('Loading the model');
    case 'ready':
      return l10n.t('Ready');
    case 'busy':
      return l10n.t('Completing');
    case 'asleep':
      return l10n.t('Ready; the model is loaded at the next request');
    case 'disabled':
      return l10n.t('Turned off');
    case 'failed':
      return message ?? l10n.t('Not working');
  }
}
