/** Every reader of a model folder, each with a small folder in whose files it meets damage. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../engine/checkpoint/safetensors.ts';
import { openWeightsFolder } from '../../engine/checkpoint/weights-folder.ts';
import { loadModelFolder } from '../../engine/model/load.ts';
import { loadTokenizerFolder } from '../../engine/tokenizer/load-folder.ts';
import { statePickle, tensorPickle, torchFile } from '../unit/checkpoint/torch-writer.ts';
import { mutated } from './mutate.ts';

export interface Reader {
  name: string;
  folder: string;
  /** The file that is damaged. */
  file: string;
  text: boolean;
  /** Reads the whole folder. */
  read(folder: string): Promise<void>;
}

const CONFIG = {
  model_type: 'glm4',
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  vocab_size: 16,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
  attention_bias: false,
};
const TENSORS: Record<string, number[]> = {
  'model.embed_tokens.weight': [16, 8],
  'model.layers.0.input_layernorm.weight': [8],
  'model.layers.0.self_attn.q_proj.weight': [8, 8],
  'model.layers.0.self_attn.k_proj.weight': [4, 8],
  'model.layers.0.self_attn.v_proj.weight': [4, 8],
  'model.layers.0.self_attn.o_proj.weight': [8, 8],
  'model.layers.0.post_self_attn_layernorm.weight': [8],
  'model.layers.0.post_attention_layernorm.weight': [8],
  'model.layers.0.mlp.gate_up_proj.weight': [16, 8],
  'model.layers.0.mlp.down_proj.weight': [8, 8],
  'model.layers.0.post_mlp_layernorm.weight': [8],
  'model.norm.weight': [8],
  'lm_head.weight': [16, 8],
};

/** Writes the folders under `home`; `fixtures` is test/fixtures. */
export async function readers(home: string, fixtures: string): Promise<Reader[]> {
  const folderOf = (name: string) => {
    const folder = join(home, name);
    mkdirSync(folder);
    return folder;
  };
  const found: Reader[] = [];
  for (const format of ['safetensors', 'bin'] as const) {
    const whole = format === 'bin' ? 'pytorch_model.bin' : 'model.safetensors';
    const single = folderOf(`single-${format}`);
    await writeWeights(join(single, whole), Object.keys(TENSORS), format);
    const shards = folderOf(`shards-${format}`);
    const names = Object.keys(TENSORS);
    const files = [1, 2].map((part) => whole.replace('.', `-0000${part}-of-00002.`));
    const map = Object.fromEntries(names.map((name, index) => [name, files[index % 2]]));
    for (const [part, file] of files.entries()) {
      await writeWeights(
        join(shards, file),
        names.filter((_, index) => index % 2 === part),
        format,
      );
    }
    writeFileSync(join(shards, `${whole}.index.json`), JSON.stringify({ weight_map: map }));
    for (const folder of [single, shards]) writeFileSync(join(folder, 'config.json'), JSON.stringify(CONFIG));
    found.push({ name: whole, folder: single, file: whole, text: false, read: readModel });
    found.push({
      name: `${whole}.index.json`,
      folder: shards,
      file: `${whole}.index.json`,
      text: true,
      read: readModel,
    });
    found.push({ name: files[0] as string, folder: shards, file: files[0] as string, text: false, read: readModel });
  }
  found.push({
    name: 'config.json',
    folder: join(home, 'single-bin'),
    file: 'config.json',
    text: true,
    read: readModel,
  });

  const tokenizers: [files: Record<string, string>, family: string, vocabSize: number][] = [
    [{ 'tokenizer.json': 'glm4-tokenizer.json' }, 'chatglm2', 1024],
    [{ 'tokenizer.model': 'tiktoken.model' }, 'chatglm2', 1024],
    [{ 'tokenizer.model': 'bpe.model' }, 'chatglm2', 1024],
    [{ 'ice_text.model': 'ice_text.model' }, 'chatglm-6b', 130528],
    [{ 'cog-pretrain.model': 'unigram.model' }, 'glm-2021', 50048],
    [{ 'vocab.json': 'vocab.json', 'merges.txt': 'merges.txt' }, 'glm-2021', 50304],
    [{ 'merges.txt': 'merges.txt', 'vocab.json': 'vocab.json' }, 'glm-2021', 50304],
    [{ 'vocab.txt': 'vocab.txt' }, 'glm-2021', 30592],
  ];
  for (const [index, [files, family, vocabSize]] of tokenizers.entries()) {
    const folder = folderOf(`tokenizer-${index}`);
    for (const [name, from] of Object.entries(files)) cpSync(join(fixtures, 'tokenizers', from), join(folder, name));
    const [file] = Object.keys(files) as [string];
    const read = (at: string) => readTokenizer(at, family, vocabSize);
    found.push({ name: `${files[file]} as ${file}`, folder, file, text: /json|txt/.test(file), read });
  }
  return found;
}

async function writeWeights(path: string, names: readonly string[], format: 'safetensors' | 'bin'): Promise<void> {
  const bytesOf = (name: string) =>
    new Uint8Array(
      new Float32Array((TENSORS[name] as number[]).reduce((product, size) => product * size, 1)).fill(0.5).buffer,
    );
  if (format === 'safetensors') {
    const plans = names.map((name) => ({ name, dtype: 'F32' as const, shape: TENSORS[name] as number[] }));
    return writeSafetensors(path, plans, bytesOf);
  }
  const pickles = names.map((name, key) => {
    const shape = TENSORS[name] as number[];
    const length = shape.reduce((product, size) => product * size, 1);
    return [name, tensorPickle({ type: 'FloatStorage', key: `${key}`, length, shape })] as const;
  });
  const storages = Object.fromEntries(names.map((name, key) => [key, bytesOf(name)]));
  writeFileSync(path, torchFile(statePickle(Object.fromEntries(pickles)), storages));
}

async function readModel(folder: string): Promise<void> {
  // The file alone first: a family refuses most of what is damaged before it is read.
  const file = await openWeightsFolder(folder);
  try {
    for (const name of file.tensors.keys()) await file.read(name);
  } finally {
    await file.close();
  }
  for await (const _ of (await loadModelFolder(folder)).tensors());
}

const TEXT = 'def add(a, b):\n\treturn  a + b  # 你好 😀 <n> [MASK] <|user|> é';

async function readTokenizer(folder: string, family: string, vocabSize: number): Promise<void> {
  const { tokenizer } = await loadTokenizerFolder(folder, { family, vocabSize });
  const control = new Set(tokenizer.named.values());
  for (const text of [TEXT, TEXT.slice(1), '']) {
    for (const id of [...tokenizer.encode(text), ...tokenizer.encodeStart(text)]) {
      if (!Number.isInteger(id) || id < 0 || id >= tokenizer.vocabSize)
        throw new Error(`${folder}: ${id} is no token.`);
      if (control.has(id) && tokenizer.bytes(id).length > 0) throw new TypeError(`${id} is a control token with text`);
    }
    tokenizer.decode(tokenizer.encode(text));
  }
}

/** Damages the reader's file by a seed, reads, and restores it; the complaint where something else than a clear error came. */
export async function meets(reader: Reader, seed: number): Promise<string | undefined> {
  const path = join(reader.folder, reader.file);
  const original = readFileSync(path);
  writeFileSync(path, mutated(original, seed, reader.text));
  try {
    await reader.read(reader.folder);
    return undefined;
  } catch (error) {
    return complaint(error, reader.folder);
  } finally {
    writeFileSync(path, original);
  }
}

/** An error of ours is a plain Error that names the file; anything else is an accident. */
function complaint(error: unknown, folder: string): string | undefined {
  if (error instanceof Error && error.constructor === Error && error.message.includes(folder)) return undefined;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
