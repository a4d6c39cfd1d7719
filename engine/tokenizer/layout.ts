/**
 * The fixed layout of the embedded model's vocabulary: 256 bytes and their merges, then 32 special tokens at the end,
 * 16,384 ids in all; and the pattern that cuts text into the pieces inside which merges happen.
 */
export const vocabularySize = 16384;

export const specialTokenNames = {
  eos: '<|endoftext|>',
  mask: '[MASK]',
  documentMask: '[gMASK]',
  sentenceMask: '[sMASK]',
  sop: '<|startofpiece|>',
  eop: '<|endofpiece|>',
  enc: '[CLS]',
} as const;

export const layoutTokenNames = {
  path: '<|path|>',
  neighbour: '<|neighbour|>',
  code: '<|code|>',
  instruction: '<|instruction|>',
} as const;

const namedTokens = [
  specialTokenNames.eos,
  specialTokenNames.mask,
  specialTokenNames.documentMask,
  specialTokenNames.sentenceMask,
  specialTokenNames.sop,
  specialTokenNames.eop,
  specialTokenNames.enc,
  '[dBLOCK]',
  layoutTokenNames.path,
  layoutTokenNames.neighbour,
  layoutTokenNames.code,
  layoutTokenNames.instruction,
];

const specialCount = 32;

/** All special tokens in id order; the first has id `ordinaryTokens`. */
export const specialTokens: readonly string[] = [
  ...namedTokens,
  ...Array.from({ length: specialCount - namedTokens.length }, (_, i) => `<|reserved_${i}|>`),
];

/** Ids below this are bytes (0..255) and merges. */
export const ordinaryTokens = vocabularySize - specialCount;

/**
 * In Oniguruma's syntax, alternatives in order: newlines with the indentation after them; a word (letters and
 * underscores: camelCase and snake_case stay whole) or up to three digits or a run of punctuation, each with the space
 * before it; white space that ends a line; other white space. The bounds keep hostile input from making one piece of
 * megabytes, in which merging would be slow.
 */
export const piecePattern =
  '(?:\\r?\\n){1,16}[ \\t]{0,96}| ?[\\p{L}\\p{M}_]{1,64}| ?\\p{N}{1,3}| ?[^\\s\\p{L}\\p{M}\\p{N}_]{1,64}|[^\\S\\r\\n]{1,64}(?!\\S)|[^\\S\\r\\n]{1,64}|\\r';
