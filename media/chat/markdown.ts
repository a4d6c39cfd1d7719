/**
 * Markdown as a tree of the few elements that an answer may have. A parser reads it; no HTML is written or read on the
 * way, so what a model says can never become markup: HTML in it is text, images are named and not loaded, and links
 * lead to the web or nowhere.
 */
import MarkdownIt, { type Token } from 'markdown-it';
import { seen } from './unseen.ts';

const ELEMENTS = [
  ...['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'blockquote', 'hr', 'br', 'em', 'strong', 's', 'code'],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'a', 'span'],
] as const;
export type ElementName = (typeof ELEMENTS)[number];

export type Tree = string | Branch | CodeBlock;

export interface Branch {
  name: ElementName;
  attributes: Record<string, string>;
  children: Tree[];
}

export interface CodeBlock {
  name: 'code block';
  language: string;
  /** As the model wrote it. */
  code: string;
}

const parser = new MarkdownIt({ html: false, linkify: true, breaks: false });
parser.linkify?.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });

/** One tree for each block. */
export function markdownTree(text: string): Tree[] {
  return treesOf(parser.parse(text, {}));
}

/** The text with what cannot be seen made visible. */
export function textTree(text: string): Tree[] {
  return seen(text).map(({ text: shown, unseen }) =>
    unseen ? { name: 'span', attributes: { class: 'unseen' }, children: [shown] } : shown,
  );
}

function treesOf(tokens: readonly Token[]): Tree[] {
  const root: Branch = { name: 'span', attributes: {}, children: [] };
  const open: Branch[] = [root];
  const add = (...trees: Tree[]) => void open.at(-1)?.children.push(...trees);
  for (const token of tokens) {
    if (token.nesting === -1) {
      const closed = open.length > 1 ? open.pop() : undefined;
      if (closed?.name === 'a') add(...destinationOf(closed));
      continue;
    }
    if (token.nesting === 1) {
      const branch = branchOf(token);
      add(branch);
      open.push(branch);
      continue;
    }
    add(...leavesOf(token));
  }
  return root.children;
}

function branchOf(token: Token): Branch {
  const known = ELEMENTS.find((name) => name === token.tag);
  // A paragraph in a tight list has no margins.
  const name = !known || token.hidden ? 'span' : known;
  const attributes: Record<string, string> = {};
  if (name === 'a') {
    const href = webAddress(token.attrGet('href'));
    if (!href) return { name: 'span', attributes: { class: 'no-link' }, children: [] };
    Object.assign(attributes, { href, title: href });
  }
  const start = String(token.attrGet('start') ?? '');
  if (name === 'ol' && /^\d{1,9}$/.test(start)) attributes.start = start;
  return { name, attributes, children: [] };
}

function leavesOf(token: Token): Tree[] {
  switch (token.type) {
    case 'inline':
      return treesOf(token.children ?? []);
    case 'fence':
    case 'code_block':
      return [{ name: 'code block', language: languageOf(token.info), code: token.content }];
    case 'code_inline':
      return [{ name: 'code', attributes: {}, children: textTree(token.content) }];
    case 'softbreak':
      return ['\n'];
    case 'hardbreak':
      return [{ name: 'br', attributes: {}, children: [] }];
    case 'hr':
      return [{ name: 'hr', attributes: {}, children: [] }];
    case 'image':
      return imageOf(token);
    default:
      return textTree(token.content);
  }
}

/** Nothing is loaded: an image would tell its server that, and what, somebody reads. */
function imageOf(token: Token): Tree[] {
  const text = textTree(token.content || 'image');
  const href = webAddress(token.attrGet('src'));
  if (!href) return [{ name: 'span', attributes: { class: 'no-link' }, children: text }];
  const link: Branch = { name: 'a', attributes: { href, title: href }, children: text };
  return [link, ...destinationOf(link)];
}

/** A link that reads like another address, or hides its own, is followed by the host it leads to. */
function destinationOf({ attributes, children }: Branch): Tree[] {
  const { href = '' } = attributes;
  const host = new URL(href).host;
  const text = children.map((child) => (typeof child === 'string' ? child : '')).join('');
  if (text === href || text === host) return [];
  return [{ name: 'span', attributes: { class: 'host' }, children: textTree(` (${host || href})`) }];
}

/** Only what opens in a browser or a mail program; never `command:`, `file:`, `javascript:`, `vscode:` and their like. */
function webAddress(href: string | number | null): string | undefined {
  if (typeof href !== 'string' || !URL.canParse(href)) return undefined;
  const { protocol, href: whole } = new URL(href);
  return ['http:', 'https:', 'mailto:'].includes(protocol) ? whole : undefined;
}

function languageOf(info: string): string {
  return /^[\w#+.-]{1,30}/.exec(info.trim())?.[0] ?? '';
}
