/** The chat's place in the side bar: joins the page and the session. What the page says is checked before it is believed. */
import { Disposable, env, l10n, type Uri, type WebviewView, window } from 'vscode';
import { type FromPage, isFromPage, type ShownMessage, type ToPage } from '../../media/chat/messages.ts';
import { withoutUnseen } from '../../media/chat/unseen.ts';
import { pageOf } from '../webview-page.ts';
import { actOnCode } from './code-actions.ts';
import { branchOf, type Conversation, type Message, messageOf, threadOf } from './conversation.ts';
import type { Models } from './models.ts';
import { pickFile, pickSymbol } from './pick-mention.ts';
import type { Proposals } from './proposals.ts';
import type { ChatSession, SessionListener } from './session.ts';
import { shownModel } from './words.ts';

export interface ChatView extends SessionListener, Disposable {
  resolveWebviewView(resolved: WebviewView): void;
}

export function createChatView(
  folder: Uri,
  models: Models,
  session: () => ChatSession,
  proposals: Proposals,
): ChatView {
  let view: WebviewView | undefined;
  let draft = '';
  const post = (message: ToPage): void => void view?.webview.postMessage(message);

  const showThread = (conversation: Conversation): void =>
    post({ type: 'thread', messages: threadOf(conversation).map((message) => shown(conversation, message)) });
  const showModel = (): void => post({ type: 'model', model: shownModel(models.current, models.problem) });

  async function measure(): Promise<void> {
    const measured = draft;
    const context = await session().measure(measured);
    // A newer draft is measured by its own call.
    if (measured === draft) post({ type: 'context', context });
  }

  async function hear(message: FromPage): Promise<void> {
    switch (message.type) {
      case 'ready':
        showThread(session().conversation);
        showModel();
        return models.refresh();
      case 'draft':
        draft = message.text;
        return measure();
      case 'send':
        return session().send(message.text);
      case 'edit':
        return session().edit(message.id, message.text);
      case 'retry':
        return session().retry(message.id);
      case 'branch':
        return session().branch(message.id, message.step);
      case 'stop':
        return session().stop();
      case 'chooseModel':
        return models.choose();
      case 'pick': {
        const text = await (message.kind === 'file' ? pickFile() : pickSymbol());
        view?.show(false);
        return post({ type: 'compose', text: text === undefined ? '' : `${text} ` });
      }
      case 'copyMessage':
        return env.clipboard.writeText(withoutUnseen(messageOf(session().conversation, message.id)?.text ?? ''));
      case 'code':
        return actOnCode(message.action, withoutUnseen(message.code), message.language, proposals);
    }
  }

  const watching = Disposable.from(
    models.onDidChange(() => {
      showModel();
      void measure();
    }),
    window.onDidChangeActiveTextEditor(() => void measure()),
  );
  return {
    resolveWebviewView(resolved) {
      view = resolved;
      resolved.onDidDispose(() => {
        if (view === resolved) view = undefined;
      });
      resolved.webview.onDidReceiveMessage((message: unknown) => {
        if (!isFromPage(message)) return;
        hear(message).catch((error: unknown) => {
          void window.showErrorMessage(error instanceof Error ? error.message : String(error));
        });
      });
      resolved.webview.options = { enableScripts: true, localResourceRoots: [folder] };
      resolved.webview.html = pageOf(resolved.webview, folder, {
        title: l10n.t('Cloze Chat'),
        root: 'chat',
        style: 'chat.css',
      });
    },
    thread(conversation) {
      showThread(conversation);
      void measure();
    },
    message: (conversation, message) => post({ type: 'message', message: shown(conversation, message) }),
    text: (id, text, thought) => post({ type: 'text', id, text, thought }),
    dispose: () => watching.dispose(),
  };
}

function shown(conversation: Conversation, message: Message): ShownMessage {
  const { parent: _, at: __, ...rest } = message;
  return { ...rest, branch: branchOf(conversation, message) };
}
