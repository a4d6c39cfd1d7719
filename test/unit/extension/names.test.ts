import { describe, expect, it } from 'vitest';
import { namesBefore } from '../../../extension/inline/names.ts';

interface At {
  line: number;
  character: number;
  with(line: number, character: number): At;
}
const at = (line: number, character: number): At => ({ line, character, with: at });
const names = (text: string) => {
  const lines = text.split('\n');
  const document = { lineAt: (line: number) => ({ text: lines[line] ?? '' }) };
  return namesBefore(document, at(lines.length - 1, (lines.at(-1) ?? '').length));
};

describe('names before the cursor', () => {
  it('are those nearest first, each once, with the place to ask about', () => {
    const found = names('total(items);\nconst sum = total(price');
    expect(found.map(({ name }) => name)).toEqual(['price', 'total', 'sum', 'items']);
    expect(found[1]?.position).toMatchObject({ line: 1, character: 12 });
  });

  it('are neither keywords, nor short, nor in strings', () => {
    expect(names("return await fetchAll('all of this', `and that`, x").map(({ name }) => name)).toEqual(['fetchAll']);
  });

  it('are not sought behind the cursor nor far above it, and are not many', () => {
    const many = Array.from({ length: 30 }, (_, line) => `first${line} second${line}`).join('\n');
    const found = names(many).map(({ name }) => name);
    expect(found).toHaveLength(12);
    expect(found[0]).toBe('second29');
    expect(names('far\n\n\n\n\n\n\n\n\n\nnear').map(({ name }) => name)).toEqual(['near']);
  });
});
