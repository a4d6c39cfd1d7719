/** Checkpoints with the widths and vocabularies of released models, two layers and random weights, of 2 GB and more. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dtype, writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { byteLength } from '../../../engine/checkpoint/safetensors-header.ts';
import { tensorShapes } from '../../../engine/model/config.ts';
import { chatglm6b } from '../../../engine/model/families/chatglm-6b.ts';
import { chatglm2 } from '../../../engine/model/families/chatglm2.ts';
import { configKeys } from '../../../engine/model/families/config-keys.ts';
import { createRandom } from '../../../engine/objective/random.ts';

interface Form {
  /** The golden model whose other keys are taken. */
  golden: string;
  dtype: Dtype;
  config: Record<string, unknown>;
  tokenizer: Record<string, string>;
}

export const FORMS: Readonly<Record<string, Form>> = {
  'chatglm-6b': {
    golden: 'chatglm-6b',
    dtype: 'F16',
    config: {
      vocab_size: 130_528,
      hidden_size: 4096,
      inner_hidden_size: 16_384,
      num_attention_heads: 32,
      num_layers: 2,
      max_sequence_length: 2048,
      bos_token_id: 130_004,
      eos_token_id: 130_005,
      mask_token_id: 130_000,
      gmask_token_id: 130_001,
    },
    tokenizer: { 'ice_text.model': 'ice_text.model' },
  },
  'glm-4-9b': {
    golden: 'glm-4-9b',
    dtype: 'BF16',
    config: {
      padded_vocab_size: 151_552,
      hidden_size: 4096,
      ffn_hidden_size: 13_696,
      kv_channels: 128,
      num_attention_heads: 32,
      num_layers: 2,
      num_hidden_layers: 2,
      seq_length: 8192,
    },
    tokenizer: { 'tokenizer.model': 'tiktoken.model' },
  },
};

const PIECE = 32 << 20;

/** Writes the folder `to`; returns the bytes of its weights. */
export async function writeCheckpoint({ golden, dtype, config, tokenizer }: Form, to: string): Promise<number> {
  const fixtures = join(process.cwd(), 'test/fixtures');
  mkdirSync(to, { recursive: true });
  const keys = { ...JSON.parse(readFileSync(join(fixtures, 'golden', golden, 'config.json'), 'utf8')), ...config };
  writeFileSync(join(to, 'config.json'), JSON.stringify(keys));
  for (const [name, from] of Object.entries(tokenizer)) cpSync(join(fixtures, 'tokenizers', from), join(to, name));
  const own = configKeys(JSON.stringify(keys), 'config.json');
  const family = [chatglm2, chatglm6b].find((candidate) => candidate.recognises(own));
  if (!family) throw new Error(`${golden} is of no family that is measured.`);
  const plans = tensorShapes(family.config(own)).map(({ name, shape }) => ({ name, shape, dtype }));
  const drawn = randomBytes(dtype);
  let all = 0;
  await writeSafetensors(join(to, 'model.safetensors'), plans, async function* (name) {
    const { shape } = plans.find((plan) => plan.name === name) as (typeof plans)[number];
    const bytes = byteLength(dtype, shape) as number;
    all += bytes;
    for (let left = bytes; left > 0; left -= drawn.length) yield drawn.subarray(0, Math.min(left, drawn.length));
  });
  return all;
}

/** Values of either sign between 2^-6 and 2^-5. */
function randomBytes(dtype: Dtype): Uint8Array {
  const random = createRandom(5);
  const values = new Uint16Array(PIECE / 2);
  for (let i = 0; i < values.length; i++) {
    const sign = random.below(2) << 15;
    values[i] = sign | (dtype === 'F16' ? 0x2400 | random.below(1024) : 0x3c80 | random.below(128));
  }
  return new Uint8Array(values.buffer);
}
