/** A Markdown tree as nodes of the page. While an answer grows, only the blocks that changed are made anew. */
import { button, element } from '../element.ts';
import { tokensOf } from './highlighting.ts';
import { type IconName, icon } from './icons.ts';
import { type Branch, type CodeBlock, markdownTree, type Tree, textTree } from './markdown.ts';
import type { CodeAction } from './messages.ts';
import { withoutUnseen } from './unseen.ts';
import { codeActionWords, words } from './words.ts';

export type OnCode = (action: CodeAction, code: string, language: string) => void;

export interface MarkdownView {
  readonly root: HTMLElement;
  show(text: string): void;
}

export function markdownView(onCode: OnCode): MarkdownView {
  const root = element('div', { class: 'markdown' });
  let shown: string[] = [];
  return {
    root,
    show(text) {
      const trees = markdownTree(text);
      const next = trees.map((tree) => JSON.stringify(tree));
      const same = next.findIndex((tree, index) => tree !== shown[index]);
      const from = same < 0 ? next.length : same;
      while (root.childNodes.length > from) root.lastChild?.remove();
      root.append(...trees.slice(from).map((tree) => nodeOf(tree, onCode)));
      shown = next;
    },
  };
}

/** An element that holds nothing but text. */
export function textNodes(text: string): Node[] {
  return textTree(text).map((tree) => nodeOf(tree, () => undefined));
}

export function iconButton(name: IconName, label: string, onClick: () => void): HTMLButtonElement {
  const made = button(label, onClick);
  made.classList.add('icon-button');
  made.replaceChildren(icon(name));
  return made;
}

function nodeOf(tree: Tree, onCode: OnCode): Node {
  if (typeof tree === 'string') return document.createTextNode(tree);
  return tree.name === 'code block' ? codeBlock(tree, onCode) : elementOf(tree, onCode);
}

function elementOf({ name, attributes, children }: Branch, onCode: OnCode): HTMLElement {
  const made = element(name, attributes, ...children.map((child) => nodeOf(child, onCode)));
  // A wide table scrolls by itself, not the page.
  return name === 'table' ? element('div', { class: 'table', tabindex: '0' }, made) : made;
}

function codeBlock({ language, code }: CodeBlock, onCode: OnCode): HTMLElement {
  const text = code.replace(/\n$/, '');
  const actions = (Object.keys(codeActionWords) as CodeAction[]).map((action) =>
    iconButton(action, codeActionWords[action], () => onCode(action, withoutUnseen(text), language)),
  );
  const label = language === '' ? words.code : language;
  return element(
    'figure',
    { class: 'code', 'aria-label': label },
    element(
      'figcaption',
      {},
      element('span', {}, label),
      element('div', { class: 'actions', role: 'toolbar', 'aria-label': label }, ...actions),
    ),
    element('pre', { tabindex: '0' }, element('code', {}, ...codeNodes(text, language))),
  );
}

function codeNodes(code: string, language: string): Node[] {
  return tokensOf(code, language).flatMap(({ text, kind }) =>
    kind === 'plain' ? textNodes(text) : [element('span', { class: `token ${kind}` }, ...textNodes(text))],
  );
}
