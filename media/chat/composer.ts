/** Where the user writes: the input with its suggestions, what would be sent along, the model, and send or stop. */
import { button, element } from '../element.ts';
import { icon } from './icons.ts';
import type { FromPage, ShownContext, ShownModel } from './messages.ts';
import { iconButton, textNodes } from './rendering.ts';
import { createSuggestions, type Suggestion } from './suggestions.ts';
import { budgetTitle, budgetWords, droppedWords, mentionWords, tokenCount, words } from './words.ts';

export interface Composer {
  readonly root: HTMLElement;
  /** Puts text in at the cursor and gives the input the keyboard. */
  insert(text: string): void;
  /** The next thing sent is a new version of this message. */
  edit(id: string, text: string): void;
  showModel(model: ShownModel): void;
  showContext(context: ShownContext | undefined): void;
  showAnswering(answering: boolean): void;
}

/** Milliseconds of quiet before the extension is asked what would be sent along. */
const DRAFT_DELAY = 200;

export function createComposer(
  say: (message: FromPage) => void,
  draft: { text: string; keep(text: string): void },
): Composer {
  const input = element('textarea', { rows: '1', 'aria-label': words.message, placeholder: words.placeholder });
  const suggestions = createSuggestions(input, accept);
  const context = element('ul', { class: 'attachments', 'aria-label': words.context });
  const filled = element('span', { class: 'used' });
  const meter = element('span', { class: 'meter', 'aria-hidden': 'true' }, filled);
  const budget = element('span', { class: 'budget' });
  const modelButton = button(words.model, () => say({ type: 'chooseModel' }));
  const send = iconButton('send', words.send, submit);
  const stop = iconButton('stop', words.stop, () => say({ type: 'stop' }));
  const editingNote = element(
    'div',
    { class: 'editing', hidden: '' },
    element('span', {}, words.editing),
    iconButton('close', words.cancelEdit, endEditing),
  );
  let editing: string | undefined;
  let answering = false;
  let commands: Suggestion[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function changed(): void {
    input.style.height = 'auto';
    input.style.height = `${Math.min(input.scrollHeight, 240)}px`;
    send.disabled = input.value.trim() === '' || answering;
    suggestions.show(matching());
    draft.keep(input.value);
    clearTimeout(timer);
    timer = setTimeout(() => say({ type: 'draft', text: input.value }), DRAFT_DELAY);
  }

  /** The command or mention that is being typed before the cursor. */
  function typed(): string | undefined {
    const before = input.value.slice(0, input.selectionStart);
    return /^\/\w*$/.exec(before)?.[0] ?? /(?:^|\s)(@\w*:?)$/.exec(before)?.[1];
  }

  function matching(): Suggestion[] {
    const word = typed();
    if (word === undefined) return [];
    const all = word.startsWith('/')
      ? commands
      : Object.entries(mentionWords).map(([insert, description]) => ({ insert, description }));
    return all.filter(({ insert }) => insert.startsWith(word) && insert !== word);
  }

  function accept({ insert }: Suggestion): void {
    const length = typed()?.length ?? 0;
    input.setSelectionRange(input.selectionStart - length, input.selectionStart);
    const picks = insert === '@file:' ? 'file' : insert === '@symbol:' ? 'symbol' : undefined;
    put(picks ? '' : `${insert} `);
    if (picks) say({ type: 'pick', kind: picks });
  }

  function put(text: string): void {
    input.focus();
    input.setRangeText(text, input.selectionStart, input.selectionEnd, 'end');
    changed();
  }

  function submit(): void {
    const text = input.value.trim();
    if (text === '' || answering) return;
    say(editing === undefined ? { type: 'send', text } : { type: 'edit', id: editing, text });
    input.value = '';
    endEditing();
    changed();
  }

  function endEditing(): void {
    if (editing !== undefined) input.value = '';
    editing = undefined;
    editingNote.hidden = true;
    changed();
  }

  input.addEventListener('input', changed);
  input.addEventListener('blur', () => suggestions.show([]));
  input.addEventListener('keydown', (event) => {
    // An input method confirms its characters with the same keys.
    if (event.isComposing) return;
    if (suggestions.open && ['ArrowDown', 'ArrowUp'].includes(event.key)) {
      event.preventDefault();
      suggestions.move(event.key === 'ArrowDown' ? 1 : -1);
    } else if (suggestions.open && (event.key === 'Tab' || event.key === 'Enter')) {
      event.preventDefault();
      const chosen = suggestions.chosen();
      if (chosen) accept(chosen);
    } else if (event.key === 'Escape') {
      if (suggestions.open) suggestions.show([]);
      else if (editing !== undefined) endEditing();
      else if (answering) say({ type: 'stop' });
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  });

  modelButton.classList.add('model');
  stop.hidden = true;
  input.value = draft.text;
  const root = element(
    'form',
    { class: 'composer' },
    editingNote,
    suggestions.root,
    element(
      'div',
      { class: 'box' },
      context,
      input,
      element('div', { class: 'bar' }, modelButton, meter, budget, send, stop),
    ),
  );
  root.addEventListener('submit', (event) => event.preventDefault());
  queueMicrotask(changed);

  return {
    root,
    insert: put,
    edit(id, text) {
      editing = id;
      editingNote.hidden = false;
      input.value = text;
      changed();
      input.focus();
    },
    showModel({ name, commands: offered, converses }) {
      modelButton.replaceChildren(element('span', {}, ...textNodes(name)), icon('down'));
      modelButton.setAttribute('aria-label', `${words.model}: ${name}`);
      input.placeholder = converses ? words.placeholder : words.placeholderFill;
      commands = offered.map((command) => ({ insert: `/${command.name}`, description: command.description }));
    },
    showContext(shown) {
      const items = (shown?.items ?? []).map(({ name, tokens, cut }) => {
        const detail = cut ? `${tokenCount(tokens)}, ${words.cutAttachment}` : tokenCount(tokens);
        return element('li', { ...(cut && { class: 'cut' }) }, ...textNodes(name), element('span', {}, detail));
      });
      if (shown && shown.dropped > 0) items.push(element('li', { class: 'cut' }, droppedWords(shown.dropped)));
      context.hidden = items.length === 0;
      context.replaceChildren(...items);
      const share = shown ? Math.min(1, shown.used / shown.limit) : 0;
      meter.hidden = !shown;
      meter.classList.toggle('full', share > 0.9);
      filled.style.width = `${share * 100}%`;
      budget.textContent = shown ? budgetWords(shown.used, shown.limit) : '';
      budget.title = shown ? budgetTitle(shown.used, shown.limit) : '';
    },
    showAnswering(now) {
      answering = now;
      stop.hidden = !now;
      send.hidden = now;
      send.disabled = now || input.value.trim() === '';
    },
  };
}
