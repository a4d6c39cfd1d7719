import { describe, expect, it } from 'vitest';
import { markdownTree, type Tree } from '../../../media/chat/markdown.ts';
import { seen, withoutUnseen } from '../../../media/chat/unseen.ts';

/** The tree as text that shows every element and attribute. */
function shown(trees: readonly Tree[]): string {
  return trees
    .map((tree) => {
      if (typeof tree === 'string') return tree;
      if (tree.name === 'code block') return `{${tree.language}|${tree.code}}`;
      const attributes = Object.entries(tree.attributes).map(([name, value]) => ` ${name}=${value}`);
      return `[${tree.name}${attributes.join('')}|${shown(tree.children)}]`;
    })
    .join('');
}
const rendered = (text: string) => shown(markdownTree(text));

describe('what Markdown means', () => {
  it.each([
    ['# A *b*', '[h1|A [em|b]]'],
    ['- a\n- **b**', '[ul|[li|[span|a]][li|[span|[strong|b]]]]'],
    ['3. a\n4. b', '[ol start=3|[li|[span|a]][li|[span|b]]]'],
    ['a `b<i>` c', '[p|a [code|b<i>] c]'],
    ['```ts title=x\nlet a = "<b>";\n```', '{ts|let a = "<b>";\n}'],
    ['```\nstill being writ', '{|still being writ}'],
    ['|a|\n|-|\n|b|', '[table|[thead|[tr|[th|a]]][tbody|[tr|[td|b]]]]'],
    [
      'see https://a.example/x?y',
      '[p|see [a href=https://a.example/x?y title=https://a.example/x?y|https://a.example/x?y]]',
    ],
  ])('%j', (text, expected) => expect(rendered(text)).toBe(expected));
});

describe('hostile Markdown', () => {
  it.each([
    ['<img src=x onerror=alert(1)>', '[p|<img src=x onerror=alert(1)>]'],
    ['<script>alert(1)</script>', '[p|<script>alert(1)</script>]'],
    ['a <b onclick="x">b</b>', '[p|a <b onclick="x">b</b>]'],
    ['&lt;script&gt;', '[p|<script>]'],
    ['<style>*{display:none}</style>', '[p|<style>*{display:none}</style>]'],
  ])('HTML is text: %j', (text, expected) => expect(rendered(text)).toBe(expected));

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java&#115;cript:alert(1)',
    'command:workbench.action.terminal.new',
    'command:cloze.restart?%5B1%5D',
    'vscode://ms.remote/open',
    'file:///etc/passwd',
    'data:text/html,<script>alert(1)</script>',
    '//evil.example/x',
    'relative/path',
    '#here',
  ])('a link to %s leads nowhere', (href) => {
    for (const text of [`[x](<${href}>)`, `![x](<${href}>)`, `[x]: <${href}>\n\n[x]`, `<${href}>`]) {
      expect(rendered(text)).not.toMatch(/\[a /);
    }
  });

  it('a link says where it leads when its text does not', () => {
    expect(rendered('[https://good.example](https://evil.example/x)')).toContain('[span class=host| (evil.example)]');
    expect(rendered('<https://good.example/>')).not.toContain('class=host');
  });

  it('an image is not loaded', () => {
    expect(rendered('![a picture](https://evil.example/t.png?secret)')).toBe(
      '[p|[a href=https://evil.example/t.png?secret title=https://evil.example/t.png?secret|a picture][span class=host| (evil.example)]]',
    );
  });

  it('what cannot be seen is named', () => {
    expect(rendered('a\u202eb')).toBe('[p|a[span class=unseen|‹202E›]b]');
    expect(rendered('`a\u200bb`')).toBe('[p|[code|a[span class=unseen|‹200B›]b]]');
  });
});

describe('unseen characters', () => {
  it.each([
    ['\u202aif (admin)\u202c', 'if (admin)'],
    ['a\u2066b\u2069c', 'abc'],
    ['zero\u200bwidth\ufeff', 'zerowidth'],
    ['tag\u{e0041}\u{e0042}', 'tag'],
    ['hid\ufe01\ufe02den', 'hidden'],
    ['bell\u0007 escape\u001b[31m', 'bell escape[31m'],
    ['\u3164filler', 'filler'],
  ])('%j', (text, clean) => {
    expect(withoutUnseen(text)).toBe(clean);
    expect(seen(text).some(({ unseen }) => unseen)).toBe(true);
  });

  it.each(['plain\n\ttext', 'Grüße, 你好', '👩‍💻 ❤️ 👍🏽 1️⃣', 'می\u200cخواهم', '🇩🇪'])('%j is all seen', (text) => {
    expect(seen(text)).toEqual([{ text, unseen: false }]);
    expect(withoutUnseen(text)).toBe(text);
  });
});
