/** Every sentence that a user reads has its Chinese one, with the same placeholders; and none is left over. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import bundle from '../../../l10n/bundle.l10n.zh-cn.json' with { type: 'json' };
import english from '../../../package.nls.json' with { type: 'json' };
import chinese from '../../../package.nls.zh-cn.json' with { type: 'json' };

/** `l10n.t('…')` of the extension and `t('…')` of the pages; the sentence is always written out. */
const CALL = /\bt\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;

const sentences = ['extension', 'media'].flatMap((room) =>
  readdirSync(room, { recursive: true })
    .map((name) => join(room, String(name)))
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(CALL)])
    .map(([, single, double]) => (single ?? double ?? '').replace(/\\(.)/g, '$1')),
);
const translated: Record<string, string> = bundle;
const placeholders = (text: string) => [...new Set(text.match(/\{\d+\}/g))].sort();
const commands = (text: string) => text.match(/\(command:[^)]*\)/g) ?? [];

describe('the Chinese sentences', () => {
  it('are there for all that the extension and its pages say', () => {
    expect(sentences.length).toBeGreaterThan(50);
    expect(Object.keys(translated).sort()).toEqual([...new Set(sentences)].sort());
  });

  it('take the same values', () => {
    for (const [sentence, text] of Object.entries(translated)) {
      expect(placeholders(text), sentence).toEqual(placeholders(sentence));
    }
  });

  it('are there for all that the manifest says, with the same commands behind the links', () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
    for (const [key, text] of Object.entries(english)) {
      expect(commands(chinese[key as keyof typeof chinese]), key).toEqual(commands(text));
    }
  });
});
