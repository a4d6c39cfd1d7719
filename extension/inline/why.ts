/** `Cloze: Why No Suggestion?`: the last requests as a page of text, each with its timings and what decided it. */
import { commands, Disposable, EventEmitter, l10n, Uri, window, workspace } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  type AnsweredRequest,
  type Decision,
  GATE_METHOD,
  type GateState,
  REQUESTS_METHOD,
} from '../../language-server/protocol.ts';

const SCHEME = 'cloze-requests';

export function registerWhy(client: Promise<LanguageClient>): Disposable {
  const address = Uri.from({ scheme: SCHEME, path: `/${l10n.t('Why No Suggestion')}` });
  const changed = new EventEmitter<Uri>();
  let text = '';

  async function open(): Promise<void> {
    const running = await client;
    if (!running.isRunning()) {
      void window.showInformationMessage(
        l10n.t(
          'The language server is not running, so there are no suggestions. Restart it with "Cloze: Restart the Language Server".',
        ),
      );
      return;
    }
    const [requests, gate] = await Promise.all([
      running.sendRequest<AnsweredRequest[]>(REQUESTS_METHOD),
      running.sendRequest<GateState>(GATE_METHOD),
    ]);
    text = pageOf(requests, gate);
    changed.fire(address);
    await window.showTextDocument(await workspace.openTextDocument(address));
  }

  return Disposable.from(
    changed,
    workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: () => text,
    }),
    commands.registerCommand('cloze.whyNoSuggestion', open),
  );
}

function pageOf(requests: AnsweredRequest[], gate: GateState): string {
  if (requests.length === 0) {
    return l10n.t(
      'The editor has not asked for a suggestion since the language server was started. Is editor.inlineSuggest.enabled on?',
    );
  }
  const head = l10n.t('The last requests, newest first. They are kept in memory only, without any of your text.');
  return `${[head, gateOf(gate), '', ...requests.map(entryOf)].join('\n')}\n`;
}

function gateOf({ threshold, setting, taken, left }: GateState): string {
  const known = l10n.t(
    'Shown while typing: what the model holds for right with a probability of {0} or more (cloze.completion.threshold).',
    setting.toFixed(2),
  );
  if (threshold === setting) return known;
  const learned = l10n.t(
    'That is {0} now: of the last {1} suggestions you took {2} (cloze.completion.adaptive).',
    threshold.toFixed(2),
    taken + left,
    taken,
  );
  return `${known} ${learned}`;
}

function entryOf(request: AnsweredRequest): string {
  const { time, path, line, character, invoked, decided, detail } = request;
  const when = new Date(time).toLocaleTimeString([], { hour12: false });
  const asked = invoked ? l10n.t('by hand') : l10n.t('while typing');
  const why = detail === undefined ? reasonOf(decided) : `${reasonOf(decided)} (${detail})`;
  return [`${when}  ${path}:${line + 1}:${character + 1}  ${asked}`, `    ${why}`, `    ${costOf(request)}`].join('\n');
}

function costOf({ total, cached, prepared, fill }: AnsweredRequest): string {
  const all = l10n.t('{0} ms', Math.round(total));
  if (prepared)
    return `${all}: ${l10n.t('prepared while the suggestion before it was shown, the model was not asked')}`;
  if (cached) return `${all}: ${l10n.t('known from before, the model was not asked')}`;
  if (!fill) return all;
  const [waiting, tokenize, read, extend] = [fill.waiting, fill.tokenize, fill.read, fill.extend].map(Math.round);
  return [
    `${all}: ${l10n.t('waited {0}, tokenized {1}, read {2}, wrote {3}', `${waiting}`, `${tokenize}`, `${read}`, `${extend}`)}`,
    l10n.t('{0} tokens, probability {1}, ended by {2}', fill.tokens, fill.confidence.toFixed(2), fill.finish),
  ].join('; ');
}

function reasonOf(decided: Decision): string {
  switch (decided) {
    case 'shown':
      return l10n.t('Sent to the editor.');
    case 'off':
      return l10n.t('Not shown: completions are turned off (cloze.enable).');
    case 'language':
      return l10n.t('Not shown: completions are off for this language (cloze.languages).');
    case 'document':
      return l10n.t('Not shown: the document cannot be completed.');
    case 'line':
      return l10n.t('Not shown: the line cannot be completed.');
    case 'manual':
      return l10n.t('Not shown: completions come only when they are asked for (cloze.completion.automatic).');
    case 'snoozed':
      return l10n.t('Not shown: completions are snoozed.');
    case 'undone':
      return l10n.t('Not shown: just after an undo or redo.');
    case 'deleted':
      return l10n.t('Not shown: just after a deletion.');
    case 'word':
      return l10n.t('Not shown: the cursor stands inside a word.');
    case 'overtaken':
      return l10n.t('Not shown: more was typed, or the cursor went elsewhere.');
    case 'unloaded':
      return l10n.t('Not shown: no model is loaded.');
    case 'failed':
      return l10n.t('Not shown: the model failed.');
    case 'nothing':
      return l10n.t('Not shown: the model has nothing to put there.');
    case 'late':
      return l10n.t('Not shown: the time was over before a word was whole (cloze.completion.timeLimit).');
    case 'unsure':
      return l10n.t('Not shown: the model was not sure enough of its first word (cloze.completion.threshold).');
    case 'repeats':
      return l10n.t('Not shown: what the model wrote repeats the lines around the cursor.');
    case 'short':
      return l10n.t('Not shown: taking it would save no key.');
    case 'present':
      return l10n.t('Not shown: what the model wrote stands there already.');
  }
}
