import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { byteLevelBpe } from '../../../engine/tokenizer/byte-level-bpe.ts';
import { parseTokenizerJson } from '../../../engine/tokenizer/tokenizer-json.ts';

const path = fileURLToPath(new URL('../../../engine/embedded-model/tokenizer.json', import.meta.url));
const json = parseTokenizerJson(readFileSync(path, 'utf8'), path);
const tokenizer = byteLevelBpe(json);
const library = new HuggingFaceTokenizer(json, {});

const samples = [
  '',
  'export function add(a: number, b: number): number {\n  return a + b;\n}\n',
  'class A:\n\tdef f(self, x=12345):\n\t\treturn x  # trailing  \n\n\n',
  'const x = `#{name}-#{1234567} $&`;\r\nif (a !== b && c) {\r\n    y();\r\n}\r',
  "it's naïve — 漢字かな, emoji 👩‍👩‍👧 and \u2028 odd \u00a0 spaces\uFEFF",
  '   leading, \t mixed \t\t white   space   \n   \n\t ',
  '-'.repeat(500),
  'camelCaseIdentifier snake_case_name SCREAMING_CASE __init__',
];

function randomText(seed: number): string {
  const random = createRandom(seed);
  const alphabets = ['ab_ \n\t(){};=', ' \r\n', 'éñ漢字👩‍👧\u0301\u200d', '0123456789.'];
  let text = '';
  while (text.length < 200) {
    const alphabet = [...(alphabets[random.below(alphabets.length)] as string)];
    for (let i = random.below(12); i >= 0; i--) text += alphabet[random.below(alphabet.length)];
  }
  return text;
}

describe('the embedded tokenizer', () => {
  test('has 16,384 ids with the special ones at the end', () => {
    expect(tokenizer.vocabSize).toBe(16384);
    expect(tokenizer.special).toEqual({
      eos: 16352,
      mask: 16353,
      documentMask: 16354,
      sentenceMask: 16355,
      sop: 16356,
      eop: 16357,
      enc: 16358,
      path: 16360,
      neighbour: 16361,
      code: 16362,
      instruction: 16363,
    });
  });

  test.each(samples)('gives back %j', (text) => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  test('agrees with the library and gives text back, for random text', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const text = randomText(seed);
      const ids = tokenizer.encode(text);
      expect(ids).toEqual(library.encode(text, { add_special_tokens: false }).ids);
      expect(tokenizer.decode(ids)).toBe(text);
      expect(tokenizer.encodeBytes(new TextEncoder().encode(text))).toEqual(ids);
    }
  });

  test('gives any bytes back', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed);
      const bytes = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
      expect(tokenizer.decodeBytes(tokenizer.encodeBytes(bytes))).toEqual(bytes);
    }
  });

  test('joins the bytes of its tokens to the bytes of the text', () => {
    const text = samples[4] as string;
    const joined = tokenizer.encode(text).flatMap((id) => [...tokenizer.bytes(id)]);
    expect(Uint8Array.from(joined)).toEqual(new TextEncoder().encode(text));
  });

  test('never makes a special token of text', () => {
    const text = '[MASK] [gMASK][sMASK]<|endoftext|><|startofpiece|> <|endofpiece|>[CLS]<|path|>';
    const ids = tokenizer.encode(text);
    expect(Math.max(...ids)).toBeLessThan(16352);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  test('special tokens have no bytes', () => {
    const { mask, sop, eop } = tokenizer.special;
    expect(tokenizer.decode([mask, ...tokenizer.encode('a'), sop, eop])).toBe('a');
    expect(tokenizer.bytes(mask)).toHaveLength(0);
  });

  test('a newline with its indentation is one token', () => {
    for (const indentation of ['', '  ', '    ', '        ', '            ', '\t', '\t\t']) {
      expect(tokenizer.encode(`\n${indentation}return`), JSON.stringify(indentation)).toHaveLength(2);
    }
  });

  test('words begin at token borders, with the space before them', () => {
    const parts = tokenizer.encode('this.items = new Map()').map((id) => tokenizer.decode([id]));
    expect(parts).toEqual(['this', '.', 'items', ' =', ' new', ' Map', '()']);
  });

  test('remembering fewer pieces changes nothing', () => {
    const forgetful = byteLevelBpe(json, { rememberedPieces: 2 });
    for (const text of samples) expect(forgetful.encode(text)).toEqual(tokenizer.encode(text));
  });

  test('a lone surrogate becomes the replacement character, as in UTF-8', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).toBe('a\ufffdb');
  });
});
