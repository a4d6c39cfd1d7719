/** Checks a `tokenizer.json`: what the engine can use of it, or an error that says what is wrong with it. */
import { isEntry } from './byte-alphabet.ts';
import { layoutTokenNames, specialTokenNames } from './layout.ts';
import { patternFault } from './split-pattern.ts';
import { conversationTokens, type SpecialTokens } from './tokenizer.ts';

export interface TokenizerJson {
  added_tokens: { id: number; content: string }[];
  normalizer: null;
  pre_tokenizer: {
    type: 'Sequence';
    pretokenizers: [
      { type: 'Split'; pattern: { Regex: string } },
      { type: 'ByteLevel'; add_prefix_space?: boolean; use_regex?: boolean },
    ];
  };
  post_processor: unknown;
  decoder: unknown;
  model: {
    type: 'BPE';
    vocab: Record<string, number>;
    merges: unknown[];
    /** A piece that is a token is that token, whether merges lead to it or not. */
    ignore_merges?: boolean;
    continuing_subword_prefix?: string | null;
    end_of_word_suffix?: string | null;
    byte_fallback?: boolean;
  };
}

/** A file that was checked, with the ids of its ordinary tokens: looking them up in what JSON gives takes long. */
export interface CheckedTokenizer extends TokenizerJson {
  ids: ReadonlyMap<string, number>;
}

/** Checks the text of a `tokenizer.json`; `name` stands for it in errors. */
export function parseTokenizerJson(text: string, name: string): CheckedTokenizer {
  const fault = (what: string): Error => new Error(`The tokenizer ${name} ${what}.`);
  let json: Partial<TokenizerJson> | null;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw fault(`is not JSON (${(error as Error).message}); fetch or write it again`);
  }
  if (typeof json !== 'object' || json === null) throw fault('is not a JSON object');
  const { model, added_tokens: added, pre_tokenizer: pre, normalizer } = json;
  if (model?.type !== 'BPE') throw fault(`has a model of type ${JSON.stringify(model?.type)}; only BPE can be used`);
  if (typeof model.vocab !== 'object' || !Array.isArray(model.merges)) throw fault('has no vocabulary or no merges');
  if (!Array.isArray(added)) throw fault('has no added tokens');
  if (normalizer !== null && normalizer !== undefined)
    throw fault('changes the text by a normalizer, which is not supported');
  const [split, byteLevel] = pre?.pretokenizers ?? [];
  if (pre?.type !== 'Sequence' || split?.type !== 'Split' || byteLevel?.type !== 'ByteLevel') {
    throw fault('does not split text by one pattern followed by the byte level');
  }
  if (byteLevel.use_regex !== false || byteLevel.add_prefix_space)
    throw fault('splits text a second time or puts spaces before it, which is not supported');
  if (model.continuing_subword_prefix || model.end_of_word_suffix || model.byte_fallback)
    throw fault('marks beginnings or ends of words, or falls back to bytes, which is not supported');
  const pattern = split.pattern?.Regex;
  if (typeof pattern !== 'string') throw fault('has no pattern to split text by');
  const wrong = patternFault(pattern);
  if (wrong !== undefined) throw fault(`splits text by a pattern that ${wrong}, which could take very long`);
  const ids = ordinaryIds(model.vocab, added, fault);
  const checked = { ...json, normalizer: null, post_processor: null, ids } as CheckedTokenizer;
  const missing = missingSpecialTokens(checked);
  if (missing.length > 0) throw fault(`lacks the special tokens ${missing.join(', ')}; it belongs to another model`);
  return checked;
}

/** Every id from 0 on must have one token, and every byte its own, so that nothing is lost in encoding. */
function ordinaryIds(
  vocab: Record<string, number>,
  added: TokenizerJson['added_tokens'],
  fault: (what: string) => Error,
): Map<string, number> {
  const ordinary = new Map<string, number>();
  const special = new Set(added.map((token) => token.id));
  const ids = new Set(special);
  const bytes = new Set<string>();
  let foreign: string | undefined;
  for (const entry of Object.keys(vocab)) {
    const id = vocab[entry] as number;
    ids.add(id);
    if (special.has(id)) continue;
    ordinary.set(entry, id);
    if (!isEntry(entry)) foreign ??= entry;
    if (entry.length === 1) bytes.add(entry);
  }
  let size = 0;
  for (const id of ids) size = Math.max(size, id + 1);
  if (ids.size !== size) throw fault(`gives ${ids.size} tokens ids up to ${size - 1}; every id must have one token`);
  if (foreign !== undefined) throw fault(`has ${JSON.stringify(foreign)}, which is not in the byte alphabet`);
  if (bytes.size !== 256) throw fault(`has a token for only ${bytes.size} of the 256 bytes`);
  return ordinary;
}

/** Names that later members of the family gave to the same tokens. */
const LATER_NAMES: Readonly<Record<string, string>> = { sop: '<sop>', eop: '<eop>' };

function idsOfRoles(json: TokenizerJson): Map<string, number> {
  const ids = new Map(json.added_tokens.map((token) => [token.content, token.id]));
  const roles = new Map<string, number>();
  for (const [role, name] of Object.entries({ ...specialTokenNames, ...layoutTokenNames })) {
    const id = ids.get(name) ?? ids.get(LATER_NAMES[role] ?? name);
    if (id !== undefined) roles.set(role, id);
  }
  return roles;
}

function missingSpecialTokens(json: TokenizerJson): string[] {
  const present = idsOfRoles(json);
  const needed = Object.entries(specialTokenNames).filter(([role]) => role !== 'enc');
  return needed.filter(([role]) => !present.has(role)).map(([, name]) => name);
}

/** Of a file that `parseTokenizerJson` has checked. */
export function findSpecialTokens(json: TokenizerJson): SpecialTokens {
  const named = new Map(json.added_tokens.map(({ content, id }) => [content, id]));
  return { ...(Object.fromEntries(idsOfRoles(json)) as unknown as SpecialTokens), ...conversationTokens(named) };
}

/** Throws unless the tokenizer and a model's embedding have the same number of rows, or the embedding is padded. */
export function checkVocabularyFits(tokenizerSize: number, embeddingRows: number): void {
  if (tokenizerSize > embeddingRows) {
    throw new Error(
      `The tokenizer has ${tokenizerSize} tokens but the model's embedding only ${embeddingRows} rows: ` +
        'they belong to different models.',
    );
  }
}
