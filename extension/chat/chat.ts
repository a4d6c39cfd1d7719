/** The chat: wires its parts together, and its commands. */
import {
  commands,
  Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  l10n,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { withoutUnseen } from '../../media/chat/unseen.ts';
import { createAnswers } from './answers.ts';
import { exportOf, titleOf } from './conversation.ts';
import { offerToEditor } from './editor-models.ts';
import { createHistory } from './history.ts';
import { createModels } from './models.ts';
import { registerParticipant } from './participant.ts';
import { pickConversation } from './pick-conversation.ts';
import { createProposals } from './proposals.ts';
import { type ChatSession, createSession } from './session.ts';
import { createChatView } from './view.ts';

const VIEW = 'cloze.chat';
/** Which conversation of the workspace was shown last. */
const CURRENT = 'cloze.chat.current';

export function registerChat(
  context: ExtensionContext,
  client: Promise<LanguageClient>,
  output: LogOutputChannel,
): Disposable {
  const folder = Uri.joinPath(context.storageUri ?? context.globalStorageUri, 'chat');
  const history = createHistory(folder, output);
  const answers = createAnswers(client, context.secrets);
  const models = createModels(context, client);
  const proposals = createProposals();
  const page = Uri.joinPath(context.extensionUri, 'dist', 'chat');
  const view = createChatView(page, models, () => session, proposals);
  const session: ChatSession = createSession(models, answers, {
    thread(conversation) {
      view.thread(conversation);
      if (conversation.messages.length > 0) history.save(conversation);
      void context.workspaceState.update(CURRENT, conversation.id);
    },
    message(conversation, message) {
      view.message(conversation, message);
      history.save(conversation);
    },
    text(id, text, thought) {
      view.text(id, text, thought);
      history.save(session.conversation);
    },
  });

  let reopened = false;
  async function reopen(): Promise<void> {
    if (reopened) return;
    reopened = true;
    const last = context.workspaceState.get<string>(CURRENT);
    const found = (await history.all()).find(({ id }) => id === last);
    // The user may have begun another meanwhile.
    if (found && session.conversation.messages.length === 0) session.open(found);
  }

  async function exportConversation(): Promise<void> {
    const { conversation } = session;
    if (conversation.messages.length === 0) {
      void window.showInformationMessage(l10n.t('There is nothing to export: nothing was said yet.'));
      return;
    }
    const content = withoutUnseen(exportOf(conversation, { user: l10n.t('You'), assistant: 'Cloze' }));
    await window.showTextDocument(await workspace.openTextDocument({ language: 'markdown', content }));
  }

  async function removeCurrent(): Promise<void> {
    const { conversation } = session;
    const remove = l10n.t('Delete');
    const title = titleOf(conversation);
    const question = l10n.t('Delete the conversation "{0}"?', title);
    if ((await window.showWarningMessage(question, { modal: true }, remove)) !== remove) return;
    session.startNew();
    await history.remove(conversation.id);
  }

  const register = commands.registerCommand;
  return Disposable.from(
    view,
    models,
    answers,
    proposals,
    { dispose: () => void history.flush() },
    offerToEditor(models, answers),
    registerParticipant(models, answers, Uri.joinPath(context.extensionUri, 'media', 'chat.svg')),
    window.registerWebviewViewProvider(VIEW, {
      // What is kept is read when somebody looks, not when the window starts.
      async resolveWebviewView(resolved) {
        view.resolveWebviewView(resolved);
        await reopen();
      },
    }),
    register('cloze.chat.open', () => commands.executeCommand(`${VIEW}.focus`)),
    register('cloze.chat.new', () => {
      session.startNew();
      return commands.executeCommand(`${VIEW}.focus`);
    }),
    register('cloze.chat.history', async () => {
      const chosen = await pickConversation(history);
      if (chosen) session.open(chosen);
    }),
    register('cloze.chat.export', exportConversation),
    register('cloze.chat.delete', removeCurrent),
    register('cloze.chat.chooseModel', () => models.choose()),
  );
}
