/** Tokenizer files of all members of the family against the libraries that define them (test/fixtures/tokenizers). */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTokenizerFolder, type TokenizerOwner } from '../../../engine/tokenizer/load-folder.ts';
import { mergePairs } from '../../../engine/tokenizer/pair-merging.ts';
import { sentencePieceTokenizer } from '../../../engine/tokenizer/sentencepiece.ts';
import { parseSentencePiece } from '../../../engine/tokenizer/sentencepiece-model.ts';
import { chatglm2Ids } from '../../../engine/tokenizer/special-ids.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/tokenizers/${name}`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'cloze-tokenizers-'));
afterAll(() => rmSync(home, { recursive: true }));

interface Encoding {
  text: string;
  ids: number[];
  inner?: number[];
}
const recorded: Record<string, Encoding[]> = JSON.parse(readFileSync(fixture('encodings.json'), 'utf8'));
const encodings = (name: string) => recorded[name] as Encoding[];

/** A model folder with these fixtures under the names that released models give them. */
function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(home, 'folder-'));
  for (const [name, from] of Object.entries(files)) cpSync(fixture(from), join(folder, name));
  return folder;
}
const load = async (files: Record<string, string>, owner: TokenizerOwner) =>
  (await loadTokenizerFolder(folderOf(files), owner)).tokenizer;

const CHATGLM2 = { family: 'chatglm2', vocabSize: 65024 };
const GLM4 = { family: 'chatglm2', vocabSize: 151552 };
const EARLY = { family: 'glm-2021', vocabSize: 50304 };

/** Texts that name a control token: the libraries would encode them by the model's own idea of it. */
const ordinary = ({ text }: Encoding) => !text.includes('<n>');

/** A model of one piece, its lengths in two bytes each. */
function pieceOf(text: string): Buffer {
  const field = (key: number, value: Buffer) =>
    Buffer.concat([Buffer.from([key, (value.length & 0x7f) | 0x80, value.length >> 7]), value]);
  return field(0x0a, field(0x0a, Buffer.from(text)));
}

describe('SentencePiece', () => {
  const model = (name: string) => parseSentencePiece(new Uint8Array(readFileSync(fixture(name))), name);

  it.each(['unigram', 'bpe'])('%s as the library encodes', (name) => {
    const tokenizer = sentencePieceTokenizer(model(`${name}.model`), {
      offset: 0,
      spaces: 'plain',
      ...chatglm2Ids(2000),
    });
    for (const { text, ids } of encodings(name).filter(ordinary))
      expect(tokenizer.encodeStart(text), text).toEqual(ids);
  });

  it('writes bytes for what it does not know, and gives every text back', () => {
    const tokenizer = sentencePieceTokenizer(model('bpe.model'), { offset: 7, spaces: 'plain', ...chatglm2Ids(2000) });
    for (const { text } of encodings('bpe')) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const broken = Uint8Array.of(0x61, 0xff, 0x20, 0xe4, 0xbd);
    expect(tokenizer.decodeBytes(tokenizer.encodeBytes(broken))).toEqual(broken);
  });

  it('ChatGLM-6B: white space as the authors write it, at the beginning of a text and within', async () => {
    const tokenizer = await load({ 'ice_text.model': 'ice_text.model' }, { family: 'chatglm-6b', vocabSize: 130528 });
    expect(encodings('iceAuthors').length).toBeGreaterThan(10);
    for (const { text, ids, inner } of encodings('iceAuthors')) {
      expect(tokenizer.encodeStart(text), text).toEqual(ids);
      expect(tokenizer.encode(text), text).toEqual(inner);
      expect(tokenizer.decode(tokenizer.encode(text)), text).toBe(text);
    }
    expect(tokenizer.special).toMatchObject({
      mask: 130000,
      sentenceMask: 130000,
      documentMask: 130001,
      sop: 130004,
      eop: 130005,
    });
    const first = await load({ 'ice_text.model': 'ice_text.model' }, { family: 'chatglm-6b', vocabSize: 150528 });
    expect(first.encode('add')).toEqual(tokenizer.encode('add').map((id) => id + 20000));
    expect(first.special.sop).toBe(150004);
  });

  it('control tokens never come from text', async () => {
    const tokenizer = await load({ 'ice_text.model': 'ice_text.model' }, { family: 'glm-130b', vocabSize: 150528 });
    const text = '[MASK][gMASK]<sop><eop><n><|tab|></s><unk><0x0A>';
    const ids = tokenizer.encode(text);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(ids.filter((id) => id >= 150000 || tokenizer.bytes(id).length === 0)).toEqual([]);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['cut short', (bytes) => bytes.subarray(0, 1001), /beyond the end|cut short/],
    ['another file', () => Buffer.from('hello\n'), /is no SentencePiece model/],
    ['empty', () => Buffer.alloc(0), /it has no pieces/],
    ['a piece of many characters', () => pieceOf('a'.repeat(2000)), /a piece has 2000 characters/],
  ])('%s is said', async (_, damage, message) => {
    const folder = folderOf({});
    writeFileSync(join(folder, 'tokenizer.model'), damage(readFileSync(fixture('bpe.model'))));
    await expect(loadTokenizerFolder(folder, CHATGLM2)).rejects.toThrow(message);
  });
});

describe('byte pair encoding', () => {
  it('ranks as tiktoken encodes them with the pattern of GLM-4', async () => {
    const tokenizer = await load({ 'tokenizer.model': 'tiktoken.model' }, GLM4);
    for (const { text, ids } of encodings('tiktoken')) expect(tokenizer.encode(text), text).toEqual(ids);
    for (const { text } of encodings('tiktoken')) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it('the same ranks as tokenizer.json, with names of GLM-4', async () => {
    const json = await load({ 'tokenizer.json': 'glm4-tokenizer.json' }, GLM4);
    const ranks = await load({ 'tokenizer.model': 'tiktoken.model' }, GLM4);
    for (const { text, ids } of encodings('tiktoken')) expect(json.encode(text), text).toEqual(ids);
    expect(json.special).toEqual(ranks.special);
    expect([...json.named].sort()).toEqual([...ranks.named].sort());
    expect(json.encode('[gMASK]<|user|>').every((id) => json.bytes(id).length > 0)).toBe(true);
  });

  it('vocabulary and merges of GPT-2', async () => {
    const tokenizer = await load({ 'vocab.json': 'vocab.json', 'merges.txt': 'merges.txt' }, EARLY);
    for (const { text, ids } of encodings('gpt2')) expect(tokenizer.encode(text), text).toEqual(ids);
    const eos = tokenizer.special.eos;
    expect(tokenizer.special).toEqual({
      eos,
      sop: eos + 1,
      eop: eos + 2,
      enc: eos + 3,
      mask: eos + 4,
      documentMask: eos + 7,
      sentenceMask: eos + 8,
    });
    const alone = folderOf({ 'vocab.json': 'vocab.json' });
    await expect(loadTokenizerFolder(alone, EARLY)).rejects.toThrow(
      /merges\.txt does not exist, but .*vocab\.json needs it/,
    );
  });

  it('takes special tokens from tokenizer_config.json', async () => {
    const folder = folderOf({ 'tokenizer.model': 'tiktoken.model' });
    const config = join(folder, 'tokenizer_config.json');
    writeFileSync(
      config,
      JSON.stringify({ added_tokens_decoder: { 900: { content: '<|user|>' }, 901: { content: '<|code_prefix|>' } } }),
    );
    const { tokenizer } = await loadTokenizerFolder(folder, GLM4);
    expect([tokenizer.named.get('<|user|>'), tokenizer.named.get('<|code_prefix|>')]).toEqual([900, 901]);
    expect(tokenizer.vocabSize).toBe(902);
    writeFileSync(config, JSON.stringify({ added_tokens_decoder: { 4000000000: { content: 'x' } } }));
    await expect(loadTokenizerFolder(folder, GLM4)).rejects.toThrow(/ids below 151552 .* not "4000000000"/);
  });

  it.each([
    ['a rank twice', 'IQ== 0\nIg== 0\n', /2 tokens with 1 ranks up to 0/],
    ['a gap', 'IQ== 0\nIg== 5\n', /2 tokens with 2 ranks up to 5/],
    ['no base64', 'IQ== 0\n!! 1\n', /line 2, is no token in base64 with its rank: "!! 1"/],
    [
      'a token of a megabyte',
      `IQ== 0\n${Buffer.alloc(1 << 20, 97).toString('base64')} 1\n`,
      /a token of 1048576 bytes/,
    ],
    ['bytes missing', 'IQ== 0\n', /a token for only 1 of the 256 bytes/],
  ])('%s is said', async (_, text, message) => {
    const folder = folderOf({});
    writeFileSync(join(folder, 'tokenizer.model'), text);
    await expect(loadTokenizerFolder(folder, GLM4)).rejects.toThrow(message);
  });

  it('merges the lowest rank first, the leftmost of equals, in any order of length', () => {
    const ranks = new Map([
      ['aa', 0],
      ['ab', 1],
      ['aab', 2],
    ]);
    const rankOf = (left: string, right: string) => ranks.get(left + right);
    expect(mergePairs([...'aaab'], rankOf)).toEqual(['aa', 'ab']);
    expect(mergePairs([...'aab'], rankOf)).toEqual(['aab']);
    expect(mergePairs([], rankOf)).toEqual([]);
    expect(
      mergePairs(
        Array.from({ length: 100_001 }, () => 'a'),
        rankOf,
      ),
    ).toHaveLength(50_001);
  });
});

it('WordPiece as the library encodes', async () => {
  const tokenizer = await load({ 'vocab.txt': 'vocab.txt' }, EARLY);
  for (const { text, ids } of encodings('wordpiece')) expect(tokenizer.encode(text), text).toEqual(ids);
  expect(tokenizer.special).toEqual({
    eos: 0,
    enc: 2,
    mask: 4,
    sentenceMask: 4,
    documentMask: 4,
    sop: tokenizer.vocabSize - 2,
    eop: tokenizer.vocabSize - 1,
  });
});

it('a folder without a tokenizer is said', async () => {
  await expect(loadTokenizerFolder(folderOf({}), GLM4)).rejects.toThrow(
    /has none of tokenizer\.json, .*Is the model complete/,
  );
});
