import { expect, it } from 'vitest';
import { placeOfCode } from '../../../extension/chat/code-place.ts';

const DOCUMENT = `/** A cart. */
export class Cart {
  items = [];

  /** Old words. */
  total(): number {
    let total = 0;
    for (const item of this.items) {
      total += item;
    }
    return total;
  }

  clear() {
    this.items = [];
  }
}

export const limit = 3;
def area(r):
    return r

print(1)
`;

function applied(code: string, at: string | number | [number, number] = 0): string {
  const start = Array.isArray(at) ? at[0] : typeof at === 'string' ? DOCUMENT.indexOf(at) : at;
  const end = Array.isArray(at) ? at[1] : start;
  const place = placeOfCode(DOCUMENT, code, { start, end });
  return DOCUMENT.slice(0, place.start) + place.text + DOCUMENT.slice(place.end);
}
const replaced = (old: string, by: string) => DOCUMENT.replace(old, by);
const TOTAL = DOCUMENT.slice(DOCUMENT.indexOf('  total()'), DOCUMENT.indexOf('\n\n  clear'));

it('replaces what is selected', () => {
  const start = DOCUMENT.indexOf('let total = 0;');
  expect(applied('let sum = 0;\n', [start, start + 14])).toBe(replaced('let total = 0;', 'let sum = 0;'));
});

it('replaces the method of the same name, indented as it is', () => {
  const code = 'total(): number {\n  return sum(this.items);\n}';
  expect(applied(code)).toBe(replaced(TOTAL, '  total(): number {\n    return sum(this.items);\n  }'));
});

it('replaces its comment too when the code brings one', () => {
  const code = '/** New words. */\ntotal(): bigint {\n  return 0n;\n}';
  const old = `  /** Old words. */\n${TOTAL}`;
  expect(applied(code)).toBe(replaced(old, '  /** New words. */\n  total(): bigint {\n    return 0n;\n  }'));
});

it('replaces a whole class by its borders', () => {
  const cart = DOCUMENT.slice(DOCUMENT.indexOf('export class'), DOCUMENT.indexOf('\n\nexport const'));
  expect(applied('export class Cart {\n  items = new Set();\n}\n')).toBe(
    replaced(cart, 'export class Cart {\n  items = new Set();\n}'),
  );
});

it('replaces one line, and a block without brackets', () => {
  expect(applied('export const limit = 4;')).toBe(replaced('export const limit = 3;', 'export const limit = 4;'));
  expect(applied('def area(r):\n    return 3 * r')).toBe(replaced('    return r\n', '    return 3 * r\n'));
});

it('goes to the cursor when it is new, or when its place is not clear', () => {
  expect(applied('function other() {}', 'print')).toBe(replaced('print', 'function other() {}\nprint'));
  const two = 'function a() {\n}\nfunction b() {\n}';
  expect(applied(two, DOCUMENT.length)).toBe(DOCUMENT + two);
});

it('keeps the line at whose begin it goes in', () => {
  expect(applied('let tax = 0;\nlet sum = 0;', 'let total')).toBe(
    replaced('    let total', '    let tax = 0;\n    let sum = 0;\n    let total'),
  );
  expect(applied('sum +', 'total;')).toBe(replaced('total;', 'sum +total;'));
});
