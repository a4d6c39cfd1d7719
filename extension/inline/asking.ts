/**
 * Between the editor, which asks for completions, and the client, which asks the server: sees to it that typing is asked
 * about, and tells the server which versions of a document an undo or redo made.
 */
import {
  commands,
  Disposable,
  type InlineCompletionContext,
  type InlineCompletionItem,
  type InlineCompletionList,
  InlineCompletionTriggerKind,
  languages,
  type Position,
  type ProviderResult,
  Range,
  type TextDocument,
  type TextDocumentChangeEvent,
  type TextEditor,
  window,
  workspace,
} from 'vscode';
import type { CancellationToken, LanguageClient } from 'vscode-languageclient/node';
import { UNDONE_METHOD, type UndoneParams } from '../../language-server/protocol.ts';
import { documentSelector } from '../document-selector.ts';
import { createUnheardTyping, type Typing } from './unheard-typing.ts';

type Provided = ProviderResult<InlineCompletionItem[] | InlineCompletionList>;
type Provide = (
  document: TextDocument,
  position: Position,
  context: InlineCompletionContext,
  token: CancellationToken,
) => Provided;

export interface Asking extends Disposable {
  /** Every request of the editor goes through here. */
  provide(...request: [...Parameters<Provide>, next: Provide]): Provided;
  /** Whether there is a server to be asked. */
  served(served: boolean): void;
}

export function createAsking(client: Promise<LanguageClient>): Asking {
  const unheard = createUnheardTyping((typing) => void ask(typing));
  /** What was typed last, with the closing bracket that the editor may have put after the cursor. */
  let typed: Range | undefined;
  /** What the editor is made to ask about is not asked for by hand, though the editor says so. */
  let forced: Pick<Typing, 'uri' | 'version'> | undefined;

  async function ask(typing: Typing): Promise<void> {
    const editor = window.activeTextEditor;
    if (editor?.document.uri.toString() !== typing.uri || !editor.selection.isEmpty) return;
    if (!typed?.contains(editor.selection.active)) return;
    if (!workspace.getConfiguration('editor', editor.document).get('inlineSuggest.enabled', true)) return;
    forced = { uri: typing.uri, version: editor.document.version };
    // Not with `explicit: false`: an editor in which somebody types would not ask again.
    await commands.executeCommand('editor.action.inlineSuggest.trigger');
  }

  async function tellUndone(params: UndoneParams): Promise<void> {
    const running = await client;
    if (running.isRunning()) await running.sendNotification(UNDONE_METHOD, params);
  }

  function changed({ document, contentChanges, reason }: TextDocumentChangeEvent): void {
    if (contentChanges.length === 0 || languages.match(documentSelector, document) === 0) return;
    if (reason !== undefined) {
      void tellUndone({ textDocument: { uri: document.uri.toString(), version: document.version } });
      return;
    }
    const editor = window.activeTextEditor;
    const [change] = contentChanges;
    if (editor?.document !== document || !change || contentChanges.length > 1 || !isKey(change.text)) return;
    typed = new Range(change.range.start, document.positionAt(change.rangeOffset + change.text.length));
    unheard.typed({ uri: document.uri.toString(), version: document.version, column: columnOf(editor) });
  }

  const subscriptions = Disposable.from(
    workspace.onDidChangeTextDocument(changed),
    window.onDidChangeVisibleTextEditors((editors) => unheard.columns(editors.map(columnOf))),
  );

  return {
    provide(document, position, context, token, next) {
      const uri = document.uri.toString();
      const made = forced?.uri === uri && forced.version === document.version;
      forced = undefined;
      const columns = window.visibleTextEditors.filter((editor) => editor.document === document).map(columnOf);
      unheard.asked(uri, document.version, columns);
      const asIfTyped = { ...context, triggerKind: InlineCompletionTriggerKind.Automatic };
      const { version } = document;
      const answer = next(document, position, made ? asIfTyped : context, token);
      // A request that fails, as with a server that ends, is answered by `null`.
      void Promise.resolve(answer).then(
        (items) => items && unheard.answered(uri, version),
        () => undefined,
      );
      return answer;
    },
    served: unheard.served,
    dispose() {
      unheard.dispose();
      subscriptions.dispose();
    },
  };
}

/** A key puts in one character, two with what closes it, or a line break with indentation; a command may put in more. */
function isKey(text: string): boolean {
  return text !== '' && [...text.trim()].length <= 2;
}

/** Editors without a column, as in a notebook, count as one. */
function columnOf({ viewColumn }: TextEditor): number {
  return viewColumn ?? 0;
}
