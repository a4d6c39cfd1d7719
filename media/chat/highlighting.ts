/**
 * Code as text with the kinds of its tokens: what a grammar names them, by the few names that the style sheet colours.
 * The grammars make a tree, never HTML, and a language that is not known here is left plain.
 */
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';

export interface CodeToken {
  text: string;
  kind: TokenKind;
}

const KINDS = {
  keyword: ['keyword', 'literal', 'built_in', 'selector-tag', 'section', 'name', 'variable.language'],
  type: ['type', 'class', 'title.class', 'selector-class', 'selector-id'],
  function: ['title', 'title.function'],
  property: ['attr', 'attribute', 'property', 'variable', 'template-variable'],
  string: ['string', 'regexp', 'char', 'symbol', 'link', 'deletion'],
  number: ['number', 'bullet', 'addition'],
  comment: ['comment', 'quote', 'meta', 'doctag'],
  /** Code within a string. */
  plain: ['subst'],
} as const;
export type TokenKind = keyof typeof KINDS;

const kindOfScope = new Map<string, TokenKind>(
  Object.entries(KINDS).flatMap(([kind, scopes]) => scopes.map((scope) => [scope, kind as TokenKind] as const)),
);

const grammars = { bash, c, cpp, csharp, css, diff, go, java, javascript, json, kotlin, php, python, ruby, rust, sql };
const lowlight = createLowlight({ ...grammars, typescript, xml, yaml });
/** VS Code's names of languages that the grammars do not know as aliases of their own. */
lowlight.registerAlias({ typescript: ['typescriptreact'], javascript: ['javascriptreact'], bash: ['shellscript'] });

/** Longer code stays plain, characters: it is coloured anew while it streams in. */
const LONGEST = 20_000;

/** The tokens in order; joined, they are the code as it was given. */
export function tokensOf(code: string, language: string): CodeToken[] {
  const name = language.toLowerCase();
  const plain: CodeToken[] = [{ text: code, kind: 'plain' }];
  if (code.length > LONGEST || !lowlight.registered(name)) return plain;
  try {
    const tokens: CodeToken[] = [];
    collect(lowlight.highlight(name, code, { prefix: '' }).children, 'plain', tokens);
    return tokens;
  } catch {
    // A grammar that stumbles must not cost the answer.
    return plain;
  }
}

type Nodes = ReturnType<typeof lowlight.highlight>['children'];

function collect(nodes: Nodes, kind: TokenKind, tokens: CodeToken[]): void {
  for (const node of nodes) {
    if (node.type === 'text') tokens.push({ text: node.value, kind });
    else if (node.type === 'element') collect(node.children, kindOf(node.properties.className) ?? kind, tokens);
  }
}

/**
 * Classes of an element are its scope, cut at the dots: `title.class.inherited` comes as `title`, `class_` and
 * `inherited__`. What is not known by its whole scope is known by the start of it.
 */
function kindOf(classes: unknown): TokenKind | undefined {
  if (!Array.isArray(classes)) return undefined;
  const scope = classes.map((name) => String(name).replace(/_+$/, ''));
  for (let parts = scope.length; parts > 0; parts--) {
    const kind = kindOfScope.get(scope.slice(0, parts).join('.'));
    if (kind) return kind;
  }
  return undefined;
}
