/** Checks a `tokenizer.json`: what the engine can use of it, or an error that says what is wrong with it. */
import { bytesOfEntry } from './byte-alphabet.ts';
import { layoutTokenNames, specialTokenNames } from './layout.ts';
import { patternFault } from './split-pattern.ts';
import { conversationTokens, type SpecialTokens } from './tokenizer.ts';

export interface TokenizerJson {
  added_tokens: { id: number; content: string }[];
  normalizer: null;
  pre_tokenizer: {
    type: 'Sequence';
    pretokenizers: [{ type: 'Split'; pattern: { Regex: string } }, { type: 'ByteLevel' }];
  };
  post_processor: unknown;
  decoder: unknown;
  model: { type: 'BPE'; vocab: Record<string, number>; merges: unknown[] };
}

/** Checks the text of a `tokenizer.json`; `name` stands for it in errors. */
export function parseTokenizerJson(text: string, name: string): TokenizerJson {
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
  const pattern = split.pattern?.Regex;
  if (typeof pattern !== 'string') throw fault('has no pattern to split text by');
  const wrong = patternFault(pattern);
  if (wrong !== undefined) throw fault(`splits text by a pattern that ${wrong}, which could take very long`);
  checkIds(model.vocab, added, fault);
  const checked = { ...json, normalizer: null, post_processor: null } as TokenizerJson;
  const missing = missingSpecialTokens(checked);
  if (missing.length > 0) throw fault(`lacks the special tokens ${missing.join(', ')}; it belongs to another model`);
  return checked;
}

/** Every id from 0 on must have one token, and every byte its own, so that nothing is lost in encoding. */
function checkIds(
  vocab: Record<string, number>,
  added: TokenizerJson['added_tokens'],
  fault: (what: string) => Error,
): void {
  const special = new Set(added.map((token) => token.id));
  const ids = new Set(Object.values(vocab));
  for (const id of special) ids.add(id);
  const size = [...ids].reduce((most, id) => Math.max(most, id), -1) + 1;
  if (ids.size !== size) throw fault(`gives ${ids.size} tokens ids up to ${size - 1}; every id must have one token`);
  const bytes = new Set<number>();
  for (const [entry, id] of Object.entries(vocab)) {
    if (special.has(id)) continue;
    const entryBytes = bytesOfEntry(entry);
    if (entryBytes === undefined) throw fault(`has ${JSON.stringify(entry)}, which is not in the byte alphabet`);
    if (entryBytes.length === 1) bytes.add(entryBytes[0] ?? 0);
  }
  if (bytes.size !== 256) throw fault(`has a token for only ${bytes.size} of the 256 bytes`);
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
