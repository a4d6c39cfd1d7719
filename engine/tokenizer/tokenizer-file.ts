/** Writes learnt merges as a Hugging Face `tokenizer.json`, which other tools of that family read too. */
import { byteToChar } from './byte-alphabet.ts';
import { ordinaryTokens, piecePattern, specialTokens } from './layout.ts';
import type { LearntMerge } from './train-bpe.ts';

/** The object to be written as JSON. Throws unless the merges fill the vocabulary exactly. */
export function tokenizerJson(merges: readonly LearntMerge[]): object {
  const entries = [...byteToChar];
  const pairs: [string, string][] = [];
  for (const { left, right } of merges) {
    const pair: [string, string] = [entries[left] ?? '', entries[right] ?? ''];
    pairs.push(pair);
    entries.push(pair.join(''));
  }
  if (entries.length !== ordinaryTokens || new Set(entries).size !== ordinaryTokens) {
    throw new Error(
      `The merges give ${new Set(entries).size} different tokens of ${ordinaryTokens}: train on more text.`,
    );
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, i) => ({
      id: ordinaryTokens + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: piecePattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(entries.map((entry, id) => [entry, id])),
      merges: pairs,
    },
  };
}
