/**
 * Special tokens of the tokenizers whose files do not name them: the ids that the authors' code gives them. Sources: GLM
 * data_utils/tokenization.py; icetk ice_tokenizer.py; tokenization_chatglm.py of ChatGLM-6B, ChatGLM2-6B, ChatGLM3-6B and
 * GLM-4-9B.
 */
import { conversationTokens, type SpecialTokens } from './tokenizer.ts';

export interface SpecialIds {
  special: SpecialTokens;
  /** By their text. */
  named: Map<string, number>;
}

type Role = Exclude<keyof SpecialTokens, 'turns' | 'thoughts'>;
type Roles = Partial<Readonly<Record<Role, string>>>;

/** Names of GLM 2021. */
const EARLY: Roles = {
  eos: '<|endoftext|>',
  mask: '[MASK]',
  sentenceMask: '[sMASK]',
  documentMask: '[gMASK]',
  sop: '<|startofpiece|>',
  eop: '<|endofpiece|>',
  enc: '[CLS]',
};
/** Names since GLM-130B, whose documents begin without a token. */
const LATER: Roles = {
  eos: '<|endoftext|>',
  mask: '[MASK]',
  sentenceMask: '[sMASK]',
  documentMask: '[gMASK]',
  sop: '<sop>',
  eop: '<eop>',
};

/** GPT-2's vocabulary in GLM 2021 (50257 tokens), or RoBERTa's (50265). */
export function gpt2Ids(vocabulary: ReadonlyMap<string, number>): SpecialIds {
  const roberta = vocabulary.get('</s>');
  if (roberta !== undefined) {
    const first = vocabulary.get('<s>') ?? 0;
    const mask = vocabulary.get('<mask>') ?? vocabulary.size - 1;
    const size = Math.max(vocabulary.size, mask + 1);
    return idsOf(EARLY, [
      ['[CLS]', first],
      ['<|endoftext|>', roberta],
      ['[MASK]', mask],
      ['<|startofpiece|>', size],
      ['<|endofpiece|>', size + 1],
    ]);
  }
  const eos = vocabulary.get('<|endoftext|>') ?? vocabulary.size;
  const names = [
    '<|startofpiece|>',
    '<|endofpiece|>',
    '[CLS]',
    '[MASK]',
    '[SEP]',
    '[UNK]',
    '[gMASK]',
    '[sMASK]',
    '[dBLOCK]',
  ];
  return idsOf(EARLY, [['<|endoftext|>', eos], ...counted(names, eos + 1)]);
}

/** BERT's vocabulary: padding is the end of a document, and there is one mask for all kinds of blank. */
export function wordPieceIds(vocabulary: ReadonlyMap<string, number>): SpecialIds {
  const { size } = vocabulary;
  const own = ['[CLS]', '[SEP]', '[MASK]', '[UNK]'].flatMap((name) => {
    const id = vocabulary.get(name);
    return id === undefined ? [] : [[name, id] as const];
  });
  return idsOf(EARLY, [
    ['<|endoftext|>', vocabulary.get('[PAD]') ?? 0],
    ...own,
    ['<|startofpiece|>', size],
    ['<|endofpiece|>', size + 1],
  ]);
}

/** GLM's Chinese SentencePiece vocabulary, in the form of the Hugging Face files (`fix_command_token`). */
export function chineseIds(pieces: number): SpecialIds {
  const names = ['<|endoftext|>', '[SEP]', '[CLS]', '[MASK]', '[UNK]'];
  const late = ['<|startofpiece|>', '<|endofpiece|>', '[sMASK]', '[gMASK]', '[dBLOCK]'];
  return idsOf(EARLY, [...counted(names, pieces), ...counted(late, pieces + 6)]);
}

/** icetk: 20000 image tokens, then 130000 of text, then these. */
export function glm130bIds(): SpecialIds {
  const names = ['[MASK]', '[gMASK]', '[sMASK]', '<|endoftext|>', '<sop>', '<eop>', '[CLS]', '[dBLOCK]'];
  return idsOf(LATER, counted(names, 150000));
}

/** ChatGLM-6B; `offset` is 20000 in its first release, which kept the ids of the image tokens. */
export function chatglm6bIds(offset: number): SpecialIds {
  const names = ['[MASK]', '[gMASK]', '[sMASK]', '<unused_0>', '<sop>', '<eop>', '<ENC>', '<dBLOCK>'];
  const named = counted(names, 130000 + offset);
  // Its positions know [MASK] and [gMASK] alone, and its end of text is <eop>.
  return idsOf({ ...LATER, sentenceMask: '[MASK]', eos: '<eop>' }, named);
}

/** ChatGLM2-6B, CodeGeeX2-6B and ChatGLM3-6B: `</s>` is piece 2, the rest follows the pieces. */
export function chatglm2Ids(pieces: number): SpecialIds {
  const names = [
    '[MASK]',
    '[gMASK]',
    '[sMASK]',
    'sop',
    'eop',
    '<|system|>',
    '<|user|>',
    '<|assistant|>',
    '<|observation|>',
  ];
  return idsOf({ ...LATER, sop: 'sop', eop: 'eop', eos: '</s>' }, [['</s>', 2], ...counted(names, pieces)]);
}

/** GLM-4-9B and CodeGeeX4; `added` are the names that tokenizer_config.json gives, which come first. */
export function glm4Ids(ranks: number, added: ReadonlyMap<string, number>): SpecialIds {
  const names = [
    '<|endoftext|>',
    '[MASK]',
    '[gMASK]',
    '[sMASK]',
    '<sop>',
    '<eop>',
    '<|system|>',
    '<|user|>',
    '<|assistant|>',
    '<|observation|>',
  ];
  const missing = counted(names, ranks).filter(([name]) => !added.has(name));
  return idsOf(LATER, [...missing, ...added]);
}

function counted(names: readonly string[], first: number): [string, number][] {
  return names.map((name, index) => [name, first + index]);
}

/** A kind of blank without a mask of its own takes [MASK]. */
function idsOf(roles: Roles, entries: Iterable<readonly [string, number]>): SpecialIds {
  const named = new Map(entries);
  const special: Partial<Record<Role, number>> = {};
  for (const [role, name] of Object.entries(roles)) {
    const id = named.get(name) ?? (role.endsWith('Mask') ? named.get('[MASK]') : undefined);
    if (id !== undefined) special[role as Role] = id;
  }
  return { special: { ...(special as SpecialTokens), ...conversationTokens(named) }, named };
}
