import { describe, expect, test } from 'vitest';
import { byteToChar } from '../../../engine/tokenizer/byte-alphabet.ts';
import { byteLevelBpe } from '../../../engine/tokenizer/byte-level-bpe.ts';
import { ordinaryTokens, piecePattern, specialTokens } from '../../../engine/tokenizer/layout.ts';
import { loadTokenizer } from '../../../engine/tokenizer/load.ts';
import { patternFault } from '../../../engine/tokenizer/split-pattern.ts';
import { tokenizerJson } from '../../../engine/tokenizer/tokenizer-file.ts';
import { checkVocabularyFits, parseTokenizerJson } from '../../../engine/tokenizer/tokenizer-json.ts';

/** A valid file: 256 bytes, no merges, all special tokens. */
function small() {
  return {
    added_tokens: specialTokens.map((content, i) => ({ id: 256 + i, content })),
    normalizer: null as unknown,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: piecePattern } },
        { type: 'ByteLevel', use_regex: false },
      ],
    },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(byteToChar.map((char, i) => [char, i])), merges: [] as unknown[] },
  };
}

function refuses(change: (json: ReturnType<typeof small>) => void, message: RegExp): void {
  const json = small();
  change(json);
  expect(() => parseTokenizerJson(JSON.stringify(json), 'tokenizer.json')).toThrow(message);
}

describe('reading a tokenizer.json', () => {
  test('accepts a complete one', () => {
    expect(parseTokenizerJson(JSON.stringify(small()), 'tokenizer.json').model.type).toBe('BPE');
  });

  test('takes merges as pairs and as texts, and says which is neither', () => {
    const merged = (merge: unknown) => {
      const json = small();
      Object.assign(json.model.vocab, { ab: 256 + specialTokens.length });
      json.model.merges = [merge];
      return byteLevelBpe(parseTokenizerJson(JSON.stringify(json), 'tokenizer.json')).encode('abba').length;
    };
    expect([merged(['a', 'b']), merged('a b'), merged(['b', 'b'])]).toEqual([3, 3, 4]);
    expect(() => merged(['a'])).toThrow(/merge 0 is no pair/);
  });

  test('a missing file is named', async () => {
    await expect(loadTokenizer('/nowhere/tokenizer.json')).rejects.toThrow(/\/nowhere\/tokenizer\.json/);
  });

  test('says what is wrong', () => {
    expect(() => parseTokenizerJson('{"model": ', 'tokenizer.json')).toThrow(/is not JSON/);
    expect(() => parseTokenizerJson('null', 'tokenizer.json')).toThrow(/is not a JSON object/);
    refuses((json) => {
      json.model.type = 'Unigram';
    }, /model of type "Unigram"; only BPE/);
    refuses((json) => {
      json.normalizer = { type: 'NFKC' };
    }, /normalizer/);
    refuses((json) => {
      json.pre_tokenizer.type = 'Whitespace';
    }, /split text/);
    refuses((json) => {
      Object.assign(json.pre_tokenizer.pretokenizers[1] as object, { use_regex: true });
    }, /splits text a second time/);
    refuses((json) => {
      Object.assign(json.model, { end_of_word_suffix: '</w>' });
    }, /marks beginnings or ends of words/);
    refuses((json) => {
      json.added_tokens = json.added_tokens.map((t) => (t.content === '[sMASK]' ? { ...t, content: '[other]' } : t));
    }, /lacks the special tokens \[sMASK\]/);
    refuses((json) => {
      json.added_tokens.splice(3, 1);
    }, /every id must have one token/);
    refuses((json) => {
      delete json.model.vocab.a;
      json.model.vocab.ab = 97;
    }, /255 of the 256 bytes/);
    refuses((json) => {
      json.model.vocab['a b'] = 256 + specialTokens.length;
    }, /byte alphabet/);
  });

  test('a tokenizer larger than the embedding belongs to another model', () => {
    expect(() => checkVocabularyFits(16384, 16384)).not.toThrow();
    expect(() => checkVocabularyFits(65024, 16384)).toThrow(/65024 tokens .* 16384 rows/);
  });
});

describe('writing a tokenizer.json', () => {
  test('refuses merges that do not fill the vocabulary', () => {
    expect(() => tokenizerJson([{ left: 97, right: 98, count: 2 }])).toThrow(new RegExp(`257 .* of ${ordinaryTokens}`));
  });
});

test.each([
  ['(a+)+$', /repeats what repeats itself/],
  ['(?:\\s*[ab]){3,}', /repeats what repeats itself/],
  ['x|\\s*\\s*\\s*y', /repeats without bound 3 times/],
  ['(a)\\1', /refers back/],
  ['x'.repeat(2001), /has 2001 characters/],
])('the pattern %s could take very long', (pattern, message) => {
  expect(patternFault(pattern)).toMatch(message);
});

test('the patterns of real tokenizers are taken', () => {
  const glm4 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  for (const pattern of [glm4, piecePattern]) expect(patternFault(pattern)).toBeUndefined();
});
