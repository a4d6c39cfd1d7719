/** Tokens of one part as a list of chips with a single tab stop: arrow keys move, which also selects. */
import type { FillTrace, PartAToken, PartBToken } from '../../language-server/protocol.ts';
import { bar, element } from '../element.ts';
import { percent, tokenText } from './token-text.ts';
import { originWords, rowLabels, rowWords } from './words.ts';

export interface TokenList {
  readonly root: HTMLElement;
  /** Marks the selected chip, none for undefined; those after `last`; and those that are not seen. */
  mark(selected: number | undefined, last: number, unseen: ReadonlySet<number>): void;
  /** Outlines the chips of a cell of the matrix. */
  point(indices: readonly number[]): void;
}

/** What is done with a chip: `point` is called with undefined when the pointer has left. */
export interface ChipEvents {
  select(index: number): void;
  point(index: number | undefined): void;
}

export function partAList(trace: FillTrace, label: string, events: ChipEvents): TokenList {
  const masks = new Set(trace.spans.map(({ blank }) => blank));
  return tokenList(
    label,
    trace.partA.map((token, index) => {
      const kind = masks.has(index) ? 'blank' : token.special === undefined ? '' : 'special';
      const spoken = `${tokenText(token)}, position ${token.position}, block position ${token.blockPosition}`;
      return chip(token, spoken, kind);
    }),
    events,
  );
}

export function partBList(trace: FillTrace, label: string, events: ChipEvents): TokenList {
  return tokenList(
    label,
    trace.partB.map((token) => {
      const { logProbability, origin, row } = token;
      const likely = logProbability === undefined ? '' : `, probability ${percent(logProbability)}`;
      const places =
        token.position === undefined ? '' : `, position ${token.position}, block position ${token.blockPosition}`;
      const spoken = `${tokenText(token)}, ${originWords[origin]}, ${rowWords[row]}${places}${likely}`;
      const made = chip(token, spoken, `${origin} ${row}`);
      if (logProbability !== undefined) {
        made.dataset.logProbability = String(logProbability);
        made.append(bar(Math.exp(logProbability)), element('span', { class: 'share' }, percent(logProbability)));
      }
      made.append(element('span', { class: 'origin' }, labelOf(token)));
      return made;
    }),
    events,
  );
}

function labelOf({ origin, row, forcedBytes }: PartBToken): string {
  const begun = forcedBytes === undefined ? '' : `, ${forcedBytes} bytes typed`;
  return [`${origin === 'start' ? 'given' : origin}${begun}`, rowLabels[row]].filter(Boolean).join(', ');
}

function chip(token: PartAToken | PartBToken, spoken: string, kind: string): HTMLElement {
  const { position, blockPosition } = token;
  const places = position === undefined ? '–' : `${position} / ${blockPosition}`;
  const attributes = { role: 'option', tabindex: '-1', 'aria-selected': 'false', 'aria-label': spoken };
  const made = element(
    'div',
    { ...attributes, class: `chip ${kind} ${token.special === undefined ? '' : 'special'}` },
    element('span', { class: 'text' }, tokenText(token)),
    element('span', { class: 'places' }, places),
  );
  made.dataset.id = String(token.id);
  return made;
}

function tokenList(label: string, chips: HTMLElement[], { select, point }: ChipEvents): TokenList {
  const root = element('div', { role: 'listbox', 'aria-label': label, class: 'tokens' }, ...chips);
  let tabStop = 0;
  let marked: number | undefined;
  let pointed: readonly number[] = [];
  chips[0]?.setAttribute('tabindex', '0');

  const stopAt = (index: number) => {
    chips[tabStop]?.setAttribute('tabindex', '-1');
    tabStop = index;
    chips[index]?.setAttribute('tabindex', '0');
  };
  const indexOf = ({ target }: Event) =>
    chips.indexOf((target as HTMLElement).closest<HTMLElement>('.chip') as HTMLElement);
  root.addEventListener('pointerover', (event) => {
    const index = indexOf(event);
    point(index < 0 ? undefined : index);
  });
  root.addEventListener('pointerleave', () => point(undefined));
  root.addEventListener('click', (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    stopAt(index);
    select(index);
  });
  root.addEventListener('keydown', (event) => {
    const to = moved(event.key, tabStop, chips.length);
    if (to === undefined) return;
    event.preventDefault();
    stopAt(to);
    chips[to]?.focus();
    select(to);
  });
  return {
    root,
    mark(selected, last, unseen) {
      if (marked !== undefined) chips[marked]?.setAttribute('aria-selected', 'false');
      marked = selected;
      if (selected !== undefined) {
        chips[selected]?.setAttribute('aria-selected', 'true');
        stopAt(selected);
      }
      for (const [index, each] of chips.entries()) {
        each.classList.toggle('later', index > last);
        each.classList.toggle('unseen', unseen.has(index));
      }
    },
    point(indices) {
      for (const index of pointed) chips[index]?.classList.remove('pointed');
      for (const index of indices) chips[index]?.classList.add('pointed');
      pointed = indices;
    },
  };
}

function moved(key: string, from: number, count: number): number | undefined {
  const to = {
    ArrowRight: from + 1,
    ArrowDown: from + 1,
    ArrowLeft: from - 1,
    ArrowUp: from - 1,
    Home: 0,
    End: count - 1,
  }[key];
  return to !== undefined && to >= 0 && to < count ? to : undefined;
}
