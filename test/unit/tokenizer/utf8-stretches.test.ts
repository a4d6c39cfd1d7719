import { expect, test } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { wellFormedStretches } from '../../../engine/tokenizer/utf8-stretches.ts';

const stretches = (...bytes: number[]) => [...wellFormedStretches(Uint8Array.from(bytes))];

test('well-formed text is one stretch, byte order mark and NUL included', () => {
  expect(stretches(...new TextEncoder().encode('\uFEFFa\0é漢👍'))).toEqual(['\uFEFFa\0é漢👍']);
  expect(stretches()).toEqual([]);
});

test('what is not UTF-8 comes byte by byte', () => {
  expect(stretches(0x61, 0xff, 0x62)).toEqual(['a', 0xff, 'b']);
  expect(stretches(0xe6, 0xbc)).toEqual([0xe6, 0xbc]);
  expect(stretches(0xc0, 0x80)).toEqual([0xc0, 0x80]);
  expect(stretches(0xed, 0xa0, 0x80)).toEqual([0xed, 0xa0, 0x80]);
  expect(stretches(0xf4, 0x90, 0x80, 0x80)).toEqual([0xf4, 0x90, 0x80, 0x80]);
});

test('agrees with the strict decoder on what is well formed', () => {
  const random = createRandom(7);
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(
      { length: 1 + random.below(5) },
      () => [0x41, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0x80, 0x9f, 0xa0, 0xbf][random.below(10)] as number,
    );
    const found = [...wellFormedStretches(bytes)];
    let text: string | undefined;
    try {
      text = strict.decode(bytes);
    } catch {
      text = undefined;
    }
    if (text === undefined) expect(found.some((stretch) => typeof stretch === 'number')).toBe(true);
    else expect(found).toEqual([text]);
  }
});
