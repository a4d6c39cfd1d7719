/** The messages of a conversation as they are shown, and what can be done with each. */
import { element } from '../element.ts';
import { icon } from './icons.ts';
import type { FromPage, ShownMessage } from './messages.ts';
import { iconButton, type MarkdownView, markdownView, textNodes } from './rendering.ts';
import { versionWords, words } from './words.ts';

export interface Thread {
  readonly root: HTMLElement;
  show(messages: readonly ShownMessage[]): void;
  /** A message that is shown has changed. */
  update(message: ShownMessage): void;
  /** More of an answer, or of the thoughts before it. */
  append(id: string, text: string, thought: boolean): void;
  readonly empty: boolean;
}

interface MessageView {
  readonly root: HTMLElement;
  message: ShownMessage;
  draw(): void;
}

export function createThread(say: (message: FromPage) => void, edit: (message: ShownMessage) => void): Thread {
  const root = element('div', { class: 'thread', role: 'log', 'aria-label': words.conversation, 'aria-live': 'off' });
  let views = new Map<string, MessageView>();
  const growing = new Set<MessageView>();

  /** Drawn once a frame, however many pieces come meanwhile. */
  function grow(view: MessageView): void {
    if (growing.size === 0) requestAnimationFrame(drawGrown);
    growing.add(view);
  }

  function drawGrown(): void {
    const atEnd = isAtEnd();
    for (const view of growing) view.draw();
    growing.clear();
    if (atEnd) scrollToEnd();
  }

  const isAtEnd = () => root.scrollHeight - root.scrollTop - root.clientHeight < 40;
  const scrollToEnd = () => root.scrollTo({ top: root.scrollHeight });

  return {
    root,
    get empty() {
      return views.size === 0;
    },
    show(messages) {
      const next = messages.map((message) => {
        const known = views.get(message.id);
        if (!known) return message.role === 'user' ? questionView(message, say, edit) : answerView(message, say);
        known.message = message;
        return known;
      });
      views = new Map(next.map((view) => [view.message.id, view]));
      const restoreFocus = keepFocus(root);
      for (const view of next) view.draw();
      root.replaceChildren(...next.map((view) => view.root));
      scrollToEnd();
      restoreFocus();
    },
    update(message) {
      const view = views.get(message.id);
      if (!view) return;
      const atEnd = isAtEnd();
      view.message = message;
      view.draw();
      if (atEnd) scrollToEnd();
    },
    append(id, text, thought) {
      const view = views.get(id);
      if (!view) return;
      const { message } = view;
      if (thought) view.message = { ...message, thought: (message.thought ?? '') + text };
      else view.message = { ...message, text: message.text + text };
      grow(view);
    },
  };
}

/** Whoever goes through versions by the keyboard stays at the button, or at its neighbour where it has no more to do. */
function keepFocus(root: HTMLElement): () => void {
  const focused = document.activeElement;
  const at = [...root.children].findIndex((child) => child.contains(focused));
  if (at < 0) return () => undefined;
  const label = focused?.getAttribute('aria-label');
  return () => {
    const buttons = [...(root.children[at]?.querySelectorAll<HTMLButtonElement>('.tools button') ?? [])];
    const enabled = buttons.filter(({ disabled }) => !disabled);
    (enabled.find((each) => each.getAttribute('aria-label') === label) ?? enabled[0])?.focus();
  };
}

function questionView(
  first: ShownMessage,
  say: (message: FromPage) => void,
  edit: (message: ShownMessage) => void,
): MessageView {
  const body = element('div', { class: 'question' });
  const context = element('ul', { class: 'sent', 'aria-label': words.attached });
  const tools = element('div', { class: 'tools' });
  const root = element('article', { class: 'message user', 'aria-label': words.you }, body, context, tools);
  const view: MessageView = {
    root,
    message: first,
    draw() {
      const { message } = view;
      body.replaceChildren(...textNodes(message.text));
      context.replaceChildren(...(message.context ?? []).map((name) => element('li', {}, ...textNodes(name))));
      context.hidden = (message.context ?? []).length === 0;
      tools.replaceChildren(
        ...versions(message, say),
        iconButton('edit', words.edit, () => edit(view.message)),
      );
    },
  };
  return view;
}

function answerView(first: ShownMessage, say: (message: FromPage) => void): MessageView {
  const author = element('div', { class: 'author' });
  const thoughts = element('p', { class: 'thoughts' });
  const summary = element('summary');
  const thinking = element('details', {}, summary, thoughts);
  const answer: MarkdownView = markdownView((action, code, language) => say({ type: 'code', action, code, language }));
  const pulse = element('div', { class: 'pulse' }, element('span'), element('span'), element('span'));
  const note = element('p', { class: 'note' });
  const tools = element('div', { class: 'tools' });
  const root = element('article', { class: 'message assistant' }, author, thinking, answer.root, pulse, note, tools);
  const view: MessageView = {
    root,
    message: first,
    draw() {
      const { message } = view;
      const { id, state, text, thought, model, problem } = message;
      const streaming = state === 'streaming';
      root.setAttribute('aria-label', model ?? words.cloze);
      root.setAttribute('aria-busy', String(streaming));
      author.replaceChildren(icon('fill'), element('span', {}, ...textNodes(model ?? words.cloze)));
      thinking.hidden = !thought;
      thoughts.replaceChildren(...textNodes(thought ?? ''));
      summary.textContent = streaming && text === '' ? words.thinking : words.thought;
      answer.show(text);
      pulse.hidden = !streaming;
      const said = state === 'stopped' ? words.stopped : state === 'cut' ? words.cut : (problem ?? '');
      note.replaceChildren(...textNodes(said));
      note.hidden = said === '';
      note.classList.toggle('problem', state === 'failed');
      tools.hidden = streaming;
      tools.replaceChildren(
        ...versions(message, say),
        ...(text === '' ? [] : [iconButton('copy', words.copyMessage, () => say({ type: 'copyMessage', id }))]),
        iconButton('retry', words.retry, () => say({ type: 'retry', id })),
      );
    },
  };
  return view;
}

function versions({ id, branch }: ShownMessage, say: (message: FromPage) => void): HTMLElement[] {
  const { index, count } = branch;
  if (count < 2) return [];
  const previous = iconButton('previous', words.previous, () => say({ type: 'branch', id, step: -1 }));
  const next = iconButton('next', words.next, () => say({ type: 'branch', id, step: 1 }));
  previous.disabled = index === 0;
  next.disabled = index === count - 1;
  return [previous, element('span', { class: 'version' }, versionWords(index, count)), next];
}
