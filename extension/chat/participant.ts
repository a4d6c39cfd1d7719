/** `@cloze` in the editor's own chat: the same prompts and the same models as in the panel. */
import {
  type ChatContext,
  ChatRequestTurn,
  ChatResponseMarkdownPart,
  ChatResponseTurn,
  chat,
  Disposable,
  Location,
  l10n,
  Uri,
  workspace,
} from 'vscode';
import type { Answers } from './answers.ts';
import { runAsBlank } from './blank-tasks.ts';
import { type Attachment, answerTokens, fitToContext, type Turn, USUAL_CONTEXT } from './budget.ts';
import { attachmentsOf, changesToCommit } from './context.ts';
import type { Models } from './models.ts';
import { COMMANDS, instructionOf, mentionsOf, type Prompt, parsePrompt, SYSTEM } from './prompt.ts';

export function registerParticipant(models: Models, answers: Answers, icon: Uri): Disposable {
  // An editor may be built without its chat.
  if (typeof chat?.createChatParticipant !== 'function') return Disposable.from();
  const participant = chat.createChatParticipant('cloze.participant', async (request, context, stream, token) => {
    const parsed = parsePrompt(request.prompt);
    const command = COMMANDS.find((name) => name === request.command) ?? parsed.command;
    const prompt: Prompt = { ...parsed, ...(command && { command }) };
    await models.ready();
    const model = models.current;
    if (!model) throw new Error(models.problem ?? l10n.t('There is no model. The status bar says why.'));
    if (model.does === 'fill') {
      stream.markdown(await runAsBlank(prompt, model.name));
      return;
    }
    const references = await Promise.all(request.references.map(({ value }) => referenced(value)));
    const attached = [...references.flat(), ...(await attachmentsOf(mentionsOf(prompt)))];
    if (command === 'commit') attached.push(await changesToCommit());
    const contextTokens = model.contextTokens ?? USUAL_CONTEXT;
    const { messages } = fitToContext(SYSTEM, turnsOf(context), instructionOf(prompt), attached, contextTokens);
    const params = { model: model.id, messages, maxTokens: answerTokens(contextTokens) };
    await answers.ask(params, (text, thought) => thought || stream.markdown(text), token);
  });
  participant.iconPath = icon;
  return participant;
}

/** What the user attached by the editor's own means. */
async function referenced(value: unknown): Promise<Attachment[]> {
  const uri = value instanceof Location ? value.uri : value instanceof Uri ? value : undefined;
  if (!uri) return typeof value === 'string' ? [{ name: l10n.t('Attached'), language: '', text: value }] : [];
  const document = await workspace.openTextDocument(uri);
  const text = document.getText(value instanceof Location ? value.range : undefined);
  return [{ name: workspace.asRelativePath(uri, false), language: document.languageId, text }];
}

function turnsOf({ history }: ChatContext): Turn[] {
  return history.flatMap((turn): Turn[] => {
    if (turn instanceof ChatRequestTurn) return [{ role: 'user', text: turn.prompt }];
    if (!(turn instanceof ChatResponseTurn)) return [];
    const parts = turn.response.map((part) => (part instanceof ChatResponseMarkdownPart ? part.value.value : ''));
    return [{ role: 'assistant', text: parts.join('') }];
  });
}
