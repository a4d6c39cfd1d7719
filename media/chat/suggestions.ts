/** The list above the input that offers commands and mentions while one is typed; the input keeps the focus. */
import { element } from '../element.ts';
import { words } from './words.ts';

export interface Suggestion {
  /** What is typed for it. */
  insert: string;
  description: string;
}

export interface Suggestions {
  readonly root: HTMLElement;
  readonly open: boolean;
  show(items: readonly Suggestion[]): void;
  /** Goes to the item `step` further on, around the ends. */
  move(step: number): void;
  chosen(): Suggestion | undefined;
}

const LIST_ID = 'suggestions';

/** `input` is told which item is meant, as a combobox. */
export function createSuggestions(input: HTMLElement, onClick: (item: Suggestion) => void): Suggestions {
  const root = element('div', { id: LIST_ID, role: 'listbox', 'aria-label': words.suggestions, hidden: '' });
  let items: readonly Suggestion[] = [];
  let at = 0;
  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-controls': LIST_ID,
    'aria-expanded': 'false',
  })) {
    input.setAttribute(name, value);
  }

  function mark(): void {
    for (const [index, option] of [...root.children].entries()) {
      option.setAttribute('aria-selected', String(index === at));
      if (index === at) option.scrollIntoView({ block: 'nearest' });
    }
    if (items.length > 0) input.setAttribute('aria-activedescendant', `suggestion-${at}`);
    else input.removeAttribute('aria-activedescendant');
  }

  return {
    root,
    get open() {
      return items.length > 0;
    },
    show(next) {
      items = next;
      at = 0;
      root.hidden = items.length === 0;
      input.setAttribute('aria-expanded', String(items.length > 0));
      root.replaceChildren(
        ...items.map((item, index) => {
          const option = element(
            'div',
            { role: 'option', id: `suggestion-${index}` },
            element('span', { class: 'insert' }, item.insert),
            element('span', { class: 'description' }, item.description),
          );
          // Before the input loses the focus.
          option.addEventListener('mousedown', (event) => {
            event.preventDefault();
            onClick(item);
          });
          return option;
        }),
      );
      mark();
    },
    move(step) {
      at = (at + step + items.length) % items.length;
      mark();
    },
    chosen: () => items[at],
  };
}
