/**
 * The conversation that is shown: what the user does becomes messages, questions go to the model in use, and whoever
 * shows it is told of every change.
 */
import { randomUUID } from 'node:crypto';
import { CancellationTokenSource, l10n } from 'vscode';
import type { ShownContext } from '../../media/chat/messages.ts';
import type { Answers } from './answers.ts';
import { runAsBlank } from './blank-tasks.ts';
import { answerTokens, type Fitted, fitToContext, type Turn, USUAL_CONTEXT } from './budget.ts';
import { attachmentsOf, changesToCommit } from './context.ts';
import {
  type Conversation,
  type Message,
  messageOf,
  newConversation,
  threadOf,
  withBranch,
  withChange,
  withMessage,
} from './conversation.ts';
import type { Models } from './models.ts';
import { instructionOf, mentionsOf, type Prompt, parsePrompt, SYSTEM } from './prompt.ts';

export interface SessionListener {
  /** Another path or another conversation is shown. */
  thread(conversation: Conversation): void;
  message(conversation: Conversation, message: Message): void;
  text(id: string, text: string, thought: boolean): void;
}

export interface ChatSession {
  readonly conversation: Conversation;
  open(conversation: Conversation): void;
  startNew(): void;
  send(text: string): Promise<void>;
  /** A new version of a question, which is then asked. */
  edit(id: string, text: string): Promise<void>;
  /** Another answer to the same question. */
  retry(id: string): Promise<void>;
  branch(id: string, step: number): void;
  stop(): void;
  /** What would be sent with a draft; undefined where the model reads nothing of it. */
  measure(draft: string): Promise<ShownContext | undefined>;
}

export function createSession(models: Models, answers: Answers, told: SessionListener): ChatSession {
  let conversation = newConversation(randomUUID());
  let running: CancellationTokenSource | undefined;

  function show(next: Conversation): void {
    conversation = next;
    told.thread(conversation);
  }

  function change(id: string, values: Partial<Message>): void {
    conversation = withChange(conversation, id, values);
    const message = messageOf(conversation, id);
    if (message) told.message(conversation, message);
  }

  function add(message: Omit<Message, 'id' | 'at'>): Message {
    const whole = { ...message, id: randomUUID(), at: Date.now() };
    show(withMessage(conversation, whole));
    return whole;
  }

  function stop(): void {
    running?.cancel();
    running = undefined;
  }

  /** Before another conversation is shown: no answer goes on unseen. */
  function leave(): void {
    stop();
    for (const { id, state } of conversation.messages) if (state === 'streaming') change(id, { state: 'stopped' });
  }

  async function ask(text: string, parent: string | undefined): Promise<void> {
    stop();
    const question = add({ role: 'user', text, state: 'done', ...(parent !== undefined && { parent }) });
    await answer(question);
  }

  async function answer(question: Message): Promise<void> {
    stop();
    const source = new CancellationTokenSource();
    running = source;
    const model = models.current;
    const own = { role: 'assistant', parent: question.id, text: '', state: 'streaming' } as const;
    const made = add(model?.does === 'chat' ? { ...own, model: model.name } : own);
    /** As the conversation was: the user may look at another one when the answer ends. */
    const home = conversation.id;
    const finish = (values: Partial<Message>) => {
      if (conversation.id === home) change(made.id, values);
    };
    try {
      const prompt = parsePrompt(question.text);
      if (!model) throw new Error(models.problem ?? l10n.t('There is no model. The status bar says why.'));
      if (model.does === 'fill') return finish({ state: 'done', text: await runAsBlank(prompt, model.name) });
      const fitted = await fitPrompt(prompt, turnsBefore(conversation, question.id), model.contextTokens);
      if (fitted.used > fitted.limit) throw new Error(tooLong(fitted));
      if (fitted.attachments.length > 0) change(question.id, { context: fitted.attachments.map(({ name }) => name) });
      const params = {
        model: model.id,
        messages: fitted.messages,
        maxTokens: answerTokens(model.contextTokens ?? USUAL_CONTEXT),
      };
      let said = '';
      let thought = '';
      const onText = (piece: string, isThought: boolean): void => {
        if (source.token.isCancellationRequested || conversation.id !== home) return;
        if (isThought) thought += piece;
        else said += piece;
        conversation = withChange(conversation, made.id, { text: said, ...(thought !== '' && { thought }) });
        told.text(made.id, piece, isThought);
      };
      const { finish: ended } = await answers.ask(params, onText, source.token);
      finish({ state: ended === 'length' ? 'cut' : 'done' });
    } catch (error) {
      if (source.token.isCancellationRequested) return finish({ state: 'stopped' });
      finish({ state: 'failed', problem: error instanceof Error ? error.message : String(error) });
    } finally {
      if (running === source) running = undefined;
      source.dispose();
    }
  }

  async function fitPrompt(prompt: Prompt, earlier: readonly Turn[], contextTokens = USUAL_CONTEXT): Promise<Fitted> {
    const attached = await attachmentsOf(mentionsOf(prompt));
    if (prompt.command === 'commit') attached.push(await changesToCommit());
    return fitToContext(SYSTEM, earlier, instructionOf(prompt), attached, contextTokens);
  }

  return {
    get conversation() {
      return conversation;
    },
    open(next) {
      leave();
      show(next);
    },
    startNew() {
      leave();
      show(newConversation(randomUUID()));
    },
    send: (text) => ask(text, threadOf(conversation).at(-1)?.id),
    edit: (id, text) => ask(text, messageOf(conversation, id)?.parent),
    async retry(id) {
      const question = messageOf(conversation, messageOf(conversation, id)?.parent ?? '');
      if (question) await answer(question);
    },
    branch(id, step) {
      stop();
      show(withBranch(conversation, id, step));
    },
    stop,
    async measure(draft) {
      const { current } = models;
      if (current?.does !== 'chat') return undefined;
      try {
        const turns = turnsBefore(conversation, undefined);
        const { attachments, used, limit, dropped } = await fitPrompt(parsePrompt(draft), turns, current.contextTokens);
        return { items: attachments, used, limit, dropped };
      } catch {
        // Said when it is sent: while it is typed, a name is not whole yet.
        return undefined;
      }
    },
  };
}

/** What the model has said and was asked before a message; what Cloze itself said is no part of that. */
function turnsBefore(conversation: Conversation, id: string | undefined): Turn[] {
  const thread = threadOf(conversation);
  const end = id === undefined ? thread.length : thread.findIndex((message) => message.id === id);
  const turns: Turn[] = [];
  for (const [index, { role, text, model }] of thread.slice(0, Math.max(0, end)).entries()) {
    const following = role === 'user' ? thread[index + 1] : thread[index];
    if (following?.model === undefined || following.text === '' || (role === 'assistant' && !model)) continue;
    turns.push({ role, text });
  }
  return turns;
}

function tooLong({ used, limit }: Fitted): string {
  return l10n.t(
    'The question alone has about {0} tokens, and the model takes {1}. Ask for less, or choose a larger model.',
    used,
    limit,
  );
}
