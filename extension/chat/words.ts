/** What is said of the models and commands, to the page and to the editor's own chat. */
import { l10n } from 'vscode';
import type { ChatModelInfo } from '../../language-server/protocol.ts';
import type { ShownModel } from '../../media/chat/messages.ts';
import { BLANK_COMMANDS } from './blank-tasks.ts';
import { COMMANDS, type CommandName } from './prompt.ts';

function descriptions(): Record<CommandName, string> {
  return {
    explain: l10n.t('Explain the selected code'),
    doc: l10n.t('Write its documentation'),
    test: l10n.t('Write tests for it'),
    fix: l10n.t('Find and repair what is wrong'),
    name: l10n.t('Suggest better names'),
    commit: l10n.t('Write a commit message'),
  };
}

function blankDescriptions(): Partial<Record<CommandName, string>> {
  return {
    doc: l10n.t('A blank for the documentation at the cursor'),
    name: l10n.t('The name at the cursor becomes a blank'),
    fix: l10n.t('The selection, or the nearest problem, becomes a blank'),
  };
}

export function shownModel(model: ChatModelInfo | undefined, problem: string | undefined): ShownModel {
  if (!model) {
    const note = problem ?? l10n.t('There is no model yet. The status bar says why.');
    return { name: l10n.t('No model'), note, commands: [], converses: false };
  }
  const { name, place, remote } = model;
  if (model.does === 'fill') {
    const words = blankDescriptions();
    const commands = BLANK_COMMANDS.map((command) => ({ name: command, description: words[command] ?? '' }));
    const note = l10n.t(
      'This model runs on your machine and fills blanks in code; it was not trained to converse. These commands run as blanks in your file. For questions, choose a model that converses.',
    );
    return { name, note: problem === undefined ? note : `${note} ${problem}`, commands, converses: false };
  }
  const words = descriptions();
  return {
    name,
    note: remote
      ? l10n.t('This model runs at {0}. What you ask goes there, with the context that you see listed.', place)
      : l10n.t('This model runs on your machine. Nothing leaves it.'),
    commands: COMMANDS.map((command) => ({ name: command, description: words[command] })),
    converses: true,
  };
}
