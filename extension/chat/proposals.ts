/** A change that is looked at in the diff editor before it is made: one at a time, kept or discarded by the title's buttons. */
import {
  commands,
  Disposable,
  EventEmitter,
  l10n,
  Range,
  TabInputTextDiff,
  type TextDocument,
  Uri,
  WorkspaceEdit,
  window,
  workspace,
} from 'vscode';
import type { CodePlace } from './code-place.ts';

const SCHEME = 'cloze-proposal';

export interface Proposals extends Disposable {
  show(document: TextDocument, place: CodePlace): Promise<void>;
}

interface Proposal {
  document: TextDocument;
  version: number;
  place: CodePlace;
  /** The whole text as it would become. */
  text: string;
}

export function createProposals(): Proposals {
  const changed = new EventEmitter<Uri>();
  let proposal: Proposal | undefined;

  async function close(): Promise<void> {
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
    const own = tabs.filter(({ input }) => input instanceof TabInputTextDiff && input.modified.scheme === SCHEME);
    await window.tabGroups.close(own);
    proposal = undefined;
  }

  async function apply(): Promise<void> {
    if (!proposal) return;
    const { document, version, place } = proposal;
    if (document.version !== version) {
      void window.showWarningMessage(
        l10n.t('The file changed since the proposal was made. Discard it and apply the code again.'),
      );
      return;
    }
    const edit = new WorkspaceEdit();
    edit.replace(document.uri, new Range(document.positionAt(place.start), document.positionAt(place.end)), place.text);
    if (!(await workspace.applyEdit(edit))) {
      void window.showWarningMessage(l10n.t('The change could not be made: the file may be read-only.'));
      return;
    }
    await close();
    await window.showTextDocument(document);
  }

  const provider = workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: changed.event,
    provideTextDocumentContent: () => proposal?.text ?? '',
  });
  const disposables = Disposable.from(
    changed,
    provider,
    commands.registerCommand('cloze.chat.applyProposal', apply),
    commands.registerCommand('cloze.chat.discardProposal', close),
  );
  return {
    async show(document, place) {
      await close();
      const text = document.getText();
      proposal = {
        document,
        version: document.version,
        place,
        text: text.slice(0, place.start) + place.text + text.slice(place.end),
      };
      // The same path and with it the same language.
      const uri = Uri.from({ scheme: SCHEME, path: document.uri.path });
      changed.fire(uri);
      const name = workspace.asRelativePath(document.uri, false);
      await commands.executeCommand('vscode.diff', document.uri, uri, l10n.t('{0}: proposal of the chat', name), {
        preview: true,
      });
    },
    dispose: () => disposables.dispose(),
  };
}
