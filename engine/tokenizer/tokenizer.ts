/**
 * What the engine asks of a tokenizer. Text never yields special tokens: those are inserted by id, so that a user's
 * file that contains the characters `[MASK]` stays text.
 */
export interface Tokenizer {
  /** V as the tokenizer knows it; the model's `vocabSize` may be padded beyond it. */
  readonly vocabSize: number;
  readonly special: SpecialTokens;
  encode(text: string): number[];
  encodeBytes(bytes: Uint8Array): number[];
  /** Bytes of one token; empty for special tokens. */
  bytes(token: number): Uint8Array;
  decodeBytes(tokens: Iterable<number>): Uint8Array;
  /** UTF-8 decoding of `decodeBytes`; invalid sequences become U+FFFD. */
  decode(tokens: Iterable<number>): string;
}

/** A tokenizer as loaded from a model folder: it knows all special tokens by name, and how a document begins. */
export interface NamedTokenizer extends Tokenizer {
  /** Special tokens by their text, e.g. `<|user|>`. */
  readonly named: ReadonlyMap<string, number>;
  /** As `encode`, for text that begins a document or a message: SentencePiece puts a space before it. */
  encodeStart(text: string): number[];
}

/** Tokens that end a span or an answer. */
export function endTokens({ eop, eos, turns = [] }: SpecialTokens): number[] {
  return [...new Set([eop, eos, ...turns])];
}

/** The tokens of a conversation, of those that a tokenizer has. */
export function conversationTokens(named: ReadonlyMap<string, number>): Pick<SpecialTokens, 'turns' | 'thoughts'> {
  const turns = ['<|user|>', '<|observation|>'].flatMap((name) => named.get(name) ?? []);
  const [begin, end] = [named.get('<think>'), named.get('</think>')];
  return {
    ...(turns.length > 0 ? { turns } : {}),
    ...(begin !== undefined && end !== undefined ? { thoughts: [begin, end] as const } : {}),
  };
}

/** Ids of the tokens that GLM's objective and the passage layout need. */
export interface SpecialTokens {
  /** `<|endoftext|>`: end of a document, and padding. */
  eos: number;
  /** `[MASK]`, `[sMASK]`, `[gMASK]`: the three kinds of blank. */
  mask: number;
  sentenceMask: number;
  documentMask: number;
  /** `<|startofpiece|>`, `<|endofpiece|>`; `<sop>` and `<eop>` from ChatGLM-6B on. */
  sop: number;
  eop: number;
  /** `<|user|>` and `<|observation|>`: they end an answer, as `eos` ends a text. */
  turns?: readonly number[];
  /** `<think>` and `</think>` of models that write down what they think before an answer. */
  thoughts?: readonly [begin: number, end: number];
  /** `[CLS]`: begins a document (`ENC` in GLM 2021). Without it documents have no frame, and no `eos` at their end. */
  enc?: number;
  /** `<|path|>`: before the path of the document in Part A's header. */
  path?: number;
  /** `<|neighbour|>`: before the path of a snippet from another file. */
  neighbour?: number;
  /** `<|code|>`: ends a header; the text follows. */
  code?: number;
  /** `<|instruction|>`: before what the user asks for. */
  instruction?: number;
}
