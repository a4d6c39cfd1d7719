/**
 * A conversation as data: a tree of messages, of which one path is shown. Editing a question or asking again adds a
 * branch; nothing that was said is lost. Nothing here knows the editor.
 */
export type MessageState = 'streaming' | 'done' | 'stopped' | 'cut' | 'failed';

export interface Message {
  id: string;
  /** The message before it; undefined for a first one. */
  parent?: string;
  role: 'user' | 'assistant';
  text: string;
  /** Milliseconds since 1970. */
  at: number;
  state: MessageState;
  /** What the model thought before its answer. */
  thought?: string;
  /** Name of the model that wrote it; absent from what Cloze itself says. */
  model?: string;
  /** What was wrong, for `failed`. */
  problem?: string;
  /** What of the workspace was sent along, by name. */
  context?: string[];
}

export interface Conversation {
  id: string;
  messages: Message[];
  /** By the id of a message (`''` for the start): which of its answers is shown; the newest where none is named. */
  chosen: Record<string, string>;
}

export function newConversation(id: string): Conversation {
  return { id, messages: [], chosen: {} };
}

/** The path that is shown, from the first message on. */
export function threadOf({ messages, chosen }: Conversation): Message[] {
  const thread: Message[] = [];
  for (let parent: string | undefined; ; ) {
    const next: Message | undefined = pick(branchesAt(messages, parent), chosen[parent ?? '']);
    if (!next) return thread;
    thread.push(next);
    parent = next.id;
  }
}

function branchesAt(messages: readonly Message[], parent: string | undefined): Message[] {
  return messages.filter((message) => message.parent === parent);
}

function pick(branches: readonly Message[], id: string | undefined): Message | undefined {
  return branches.find((message) => message.id === id) ?? branches.at(-1);
}

/** Which of how many branches a message is, counted from 0. */
export function branchOf({ messages }: Conversation, { id, parent }: Message): { index: number; count: number } {
  const branches = branchesAt(messages, parent);
  return { index: branches.findIndex((message) => message.id === id), count: branches.length };
}

/** Adds a message and shows it. */
export function withMessage(conversation: Conversation, message: Message): Conversation {
  const chosen = { ...conversation.chosen, [message.parent ?? '']: message.id };
  return { ...conversation, messages: [...conversation.messages, message], chosen };
}

export function withChange(conversation: Conversation, id: string, change: Partial<Message>): Conversation {
  const messages = conversation.messages.map((message) => (message.id === id ? { ...message, ...change } : message));
  return { ...conversation, messages };
}

/** Shows the branch beside a message, `step` further on; the same conversation where there is none. */
export function withBranch(conversation: Conversation, id: string, step: number): Conversation {
  const message = messageOf(conversation, id);
  if (!message) return conversation;
  const branches = branchesAt(conversation.messages, message.parent);
  const beside = branches[branches.indexOf(message) + step];
  if (!beside) return conversation;
  return { ...conversation, chosen: { ...conversation.chosen, [message.parent ?? '']: beside.id } };
}

export function messageOf({ messages }: Conversation, id: string): Message | undefined {
  return messages.find((message) => message.id === id);
}

const LONGEST_TITLE = 60;

/** The first line of the first question. */
export function titleOf(conversation: Conversation): string {
  const line = threadOf(conversation)[0]?.text.trim().split('\n', 1)[0] ?? '';
  return line.length <= LONGEST_TITLE ? line : `${line.slice(0, LONGEST_TITLE - 1).trimEnd()}…`;
}

/** Milliseconds since 1970; 0 without messages. */
export function changedAt({ messages }: Conversation): number {
  return messages.reduce((latest, { at }) => Math.max(latest, at), 0);
}

/** The line of a conversation where all words are found, whatever their case; undefined where one is not. */
export function searchIn({ messages }: Conversation, query: string): string | undefined {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = messages.map(({ text }) => text).join('\n');
  const lower = all.toLowerCase();
  if (!words.every((word) => lower.includes(word))) return undefined;
  const at = words[0] === undefined ? 0 : lower.indexOf(words[0]);
  const start = all.lastIndexOf('\n', at) + 1;
  const end = all.indexOf('\n', at);
  return all.slice(start, end < 0 ? all.length : end).trim();
}

/** The path that is shown, as Markdown. */
export function exportOf(conversation: Conversation, names: { user: string; assistant: string }): string {
  const parts = threadOf(conversation).map(({ role, model, text, problem }) => {
    const name = role === 'user' ? names.user : (model ?? names.assistant);
    return `## ${name}\n\n${[text.trim(), problem && `> ${problem}`].filter(Boolean).join('\n\n')}\n`;
  });
  return `# ${titleOf(conversation)}\n\n${parts.join('\n')}`;
}

/** What was stored, checked; what was streaming when the window closed has stopped. Undefined for anything else. */
export function restored(value: unknown): Conversation | undefined {
  if (!isRecord(value) || typeof value.id !== 'string' || !Array.isArray(value.messages) || !isRecord(value.chosen)) {
    return undefined;
  }
  if (!value.messages.every(isMessage)) return undefined;
  const messages = value.messages.map(
    (message): Message => (message.state === 'streaming' ? { ...message, state: 'stopped' } : message),
  );
  const chosen = Object.fromEntries(Object.entries(value.chosen).filter((entry) => typeof entry[1] === 'string'));
  return { id: value.id, messages, chosen: chosen as Record<string, string> };
}

const STATES = ['streaming', 'done', 'stopped', 'cut', 'failed'];

function isMessage(value: unknown): value is Message {
  if (!isRecord(value)) return false;
  const { id, parent, role, text, at, state, thought, model, problem, context } = value;
  const texts = [parent, thought, model, problem].every((each) => each === undefined || typeof each === 'string');
  const named = context === undefined || (Array.isArray(context) && context.every((each) => typeof each === 'string'));
  const known = role === 'user' || role === 'assistant';
  const required = typeof id === 'string' && typeof text === 'string' && typeof at === 'number';
  return texts && named && known && required && STATES.includes(state as string);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
