import { describe, expect, it } from 'vitest';
import { tokensOf } from '../../../media/chat/highlighting.ts';

/** Each token that is not plain, with its kind. */
const kinds = (code: string, language: string) =>
  tokensOf(code, language).flatMap(({ text, kind }) => (kind === 'plain' ? [] : [`${kind} ${text}`]));

describe('code in colours', () => {
  it.each([
    ['ts', 'let total = f("x"); // y', ['keyword let', 'function f', 'string "x"', 'comment // y']],
    [
      'TypeScript',
      'class Cart extends Bag { total() { return this.n + 1; } }',
      [
        ...['keyword class', 'type Cart', 'keyword extends', 'type Bag', 'function total', 'keyword return'],
        ...['keyword this', 'property n', 'number 1'],
      ],
    ],
    ['python', 'def add(a):\n    return "b"', ['keyword def', 'function add', 'keyword return', 'string "b"']],
    ['json', '{"a": 1}', ['property "a"', 'number 1']],
    ['diff', '+ a\n- b', ['number + a', 'string - b']],
    ['html', '<a href="x">', ['keyword a', 'property href', 'string "x"']],
    ['typescriptreact', 'return <b>{x}</b>;', ['keyword return', 'keyword b', 'keyword b']],
    ['shellscript', 'echo "a"', ['keyword echo', 'string "a"']],
  ])('%s', (language, code, expected) => {
    expect(kinds(code, language)).toEqual(expected);
  });

  it('code within a string is no string', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code that is coloured
    const tokens = tokensOf('`a ${b} c`', 'ts');
    expect(tokens.find(({ text }) => text.includes('b'))?.kind).toBe('plain');
  });

  it('a language that is not known is plain', () => {
    expect(tokensOf('let a', 'klingon')).toEqual([{ text: 'let a', kind: 'plain' }]);
    expect(tokensOf('let a', '')).toEqual([{ text: 'let a', kind: 'plain' }]);
    expect(tokensOf('let a', '__proto__')).toEqual([{ text: 'let a', kind: 'plain' }]);
  });
});

describe('hostile code', () => {
  const hostile = [
    '<script>alert(1)</script><img src=x onerror=alert(1)>',
    '</code></pre><style>*{display:none}</style>&lt;b&gt;',
    `"${'\\'.repeat(2001)}`,
    '`'.repeat(3000),
    '(((((('.repeat(500),
    `<${'a '.repeat(5000)}`,
    '/*'.repeat(4000),
    '\u202eabc\u200b\0\ufeff "\u2066',
    '[a](command:x) ${`${`${'.repeat(300),
    'a'.repeat(100_000),
  ];
  const languages = [
    'ts',
    'js',
    'html',
    'css',
    'python',
    'bash',
    'cpp',
    'csharp',
    'php',
    'ruby',
    'rust',
    'sql',
    'yaml',
  ];

  it.each(languages)('comes out in %s as it went in, as text', (language) => {
    for (const code of hostile) {
      const tokens = tokensOf(code, language);
      expect(tokens.map(({ text }) => text).join('')).toBe(code);
      expect(tokens.every(({ kind }) => /^[a-z]+$/.test(kind))).toBe(true);
    }
  });
});
