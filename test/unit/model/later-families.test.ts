/** ChatGLM2 and later: what their config.json and tensor names become, and what is refused. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  floatsOf,
  openSafetensors,
  type TensorPlan,
  writeSafetensors,
} from '../../../engine/checkpoint/safetensors.ts';
import { type Experts, type GlmConfig, parameterCount, tensorShapes } from '../../../engine/model/config.ts';
import { chatglm2 } from '../../../engine/model/families/chatglm2.ts';
import { configKeys } from '../../../engine/model/families/config-keys.ts';
import { glm130bKeys } from '../../../engine/model/families/glm-130b.ts';
import { glmHf } from '../../../engine/model/families/glm-hf.ts';
import { glm4Hf } from '../../../engine/model/families/glm4-hf.ts';
import { glm4MoeHf } from '../../../engine/model/families/glm4-moe-hf.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';

const golden = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'cloze-families-'));
afterAll(() => rmSync(home, { recursive: true }));
const keysOf = (family: string): Record<string, unknown> =>
  JSON.parse(readFileSync(golden(`${family}/config.json`), 'utf8'));

/** A copy of a golden model whose config.json is changed; undefined removes a key. */
function changed(family: string, changes: Record<string, unknown>): string {
  const folder = mkdtempSync(join(home, 'changed-'));
  cpSync(golden(`${family}/model.safetensors`), join(folder, 'model.safetensors'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...keysOf(family), ...changes }));
  return folder;
}

/** A copy of a golden model with some tensors left out (undefined), renamed or described anew. */
async function rewritten(
  family: string,
  change: (plan: TensorPlan) => TensorPlan | undefined,
  bytes: (found: Uint8Array, plan: TensorPlan) => Uint8Array = (found) => found,
): Promise<string> {
  const folder = changed(family, {});
  const file = await openSafetensors(golden(`${family}/model.safetensors`));
  const kept = [...file.tensors.values()].flatMap((info) => {
    const plan = change({ name: info.name, dtype: info.dtype, shape: info.shape });
    return plan ? [{ from: info.name, plan }] : [];
  });
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    kept.map(({ plan }) => plan),
    async (name) => {
      const { from, plan } = kept.find((entry) => entry.plan.name === name) as (typeof kept)[number];
      return bytes(await file.read(from), plan);
    },
  );
  await file.close();
  return folder;
}

const SMALL: GlmConfig = {
  vocabSize: 168,
  hiddenSize: 64,
  innerSize: 112,
  layers: 3,
  heads: 4,
  headSize: 16,
  keyValueHeads: 2,
  maxLength: 256,
  positions: 'rotary-1d',
  rotarySize: 8,
  rotaryPairs: 'neighbours',
  rotaryTheta: 10000,
  rotaryFloat16: false,
  norm: 'pre',
  normKind: 'rms-norm',
  residualAlpha: 1,
  layerNormEpsilon: 1e-5,
  activation: 'swiglu',
  qkvLayout: 'thirds',
  bias: 'qkv',
  tiedEmbedding: false,
  causal: true,
};

const EXPERTS: Experts = {
  count: 8,
  perToken: 3,
  innerSize: 24,
  sharedSize: 24,
  denseLayers: 1,
  groups: 1,
  groupsUsed: 1,
  normalized: true,
  scale: 2.5,
};

describe('config.json', () => {
  it.each<[string, string, Partial<GlmConfig>]>([
    ['chatglm2-6b', 'chatglm2', {}],
    ['chatglm3-6b', 'chatglm2', {}],
    ['codegeex2-6b', 'chatglm2', {}],
    ['glm-4-9b', 'chatglm2', { rotaryTheta: 5e6, layerNormEpsilon: 1.5625e-7 }],
    ['glm-hf', 'glm-hf', { rotaryTheta: 5e6, layerNormEpsilon: 1.5625e-7 }],
    ['glm4-hf', 'glm4-hf', { norm: 'sandwich', bias: 'none' }],
    [
      'glm4-moe-hf',
      'glm4-moe-hf',
      { innerSize: 96, rotaryPairs: 'halves', rotaryTheta: 1e6, queryKeyNorm: true, experts: EXPERTS },
    ],
  ])('%s', async (folder, family, change) => {
    const model = await loadModelFolder(golden(folder));
    expect(model.family).toBe(family);
    expect(model.config).toEqual({ ...SMALL, ...change });
    let floats = 0;
    const found: { name: string; shape: number[] }[] = [];
    for await (const { name, shape, data, dtype } of model.tensors()) {
      found.push({ name, shape });
      floats += floatsOf(data, dtype).length;
    }
    expect(found).toEqual(tensorShapes(model.config));
    expect(floats).toBe(parameterCount(model.config));
    expect(() => glm130bKeys({ ...model.config, activation: 'geglu', qkvLayout: 'per-head' })).toThrow(
      /cannot express/,
    );
  });

  it('gives the published sizes their published number of parameters', () => {
    const parametersOf = (keys: Record<string, unknown>) =>
      [chatglm2, glmHf, glm4Hf, glm4MoeHf]
        .map((family) => ({ family, keys: configKeys(JSON.stringify(keys), 'config.json') }))
        .filter(({ family, keys: own }) => family.recognises(own))
        .map(({ family, keys: own }) => parameterCount(family.config(own)));
    const chatglm = {
      ...keysOf('chatglm2-6b'),
      hidden_size: 4096,
      ffn_hidden_size: 13696,
      kv_channels: 128,
      num_attention_heads: 32,
      num_layers: 28,
      padded_vocab_size: 65024,
    };
    expect(parametersOf(chatglm)).toEqual([6_243_584_000]);
    expect(parametersOf({ ...chatglm, num_layers: 40, padded_vocab_size: 151552 })).toEqual([9_399_951_360]);
    const large = {
      ...keysOf('glm4-hf'),
      head_dim: 128,
      hidden_size: 6144,
      intermediate_size: 23040,
      num_attention_heads: 48,
      num_hidden_layers: 61,
      vocab_size: 151552,
    };
    expect(parametersOf(large)).toEqual([32_566_081_536]);
    const nine = {
      ...large,
      hidden_size: 4096,
      intermediate_size: 13696,
      num_attention_heads: 32,
      num_hidden_layers: 40,
      attention_bias: true,
    };
    expect(parametersOf(nine)).toEqual([9_400_279_040]);
    expect(parametersOf({ ...nine, model_type: 'glm' })).toEqual([9_399_951_360]);
    const air = {
      ...keysOf('glm4-moe-hf'),
      head_dim: 128,
      hidden_size: 4096,
      intermediate_size: 10944,
      moe_intermediate_size: 1408,
      n_routed_experts: 128,
      num_experts_per_tok: 8,
      num_attention_heads: 96,
      num_key_value_heads: 8,
      num_hidden_layers: 46,
      use_qk_norm: false,
      vocab_size: 151552,
    };
    // About 106.85 billion: the layer that predicts a second token is not counted.
    expect((parametersOf(air)[0] as number) / 1e9).toBeCloseTo(106.85, 2);
  });

  it('takes every head its own keys, biases everywhere, or neither', async () => {
    const config = (changes: Record<string, unknown>) =>
      chatglm2.config(configKeys(JSON.stringify({ ...keysOf('chatglm3-6b'), ...changes }), 'config.json'));
    expect(config({ multi_query_attention: false }).keyValueHeads).toBe(4);
    expect(config({ add_bias_linear: true }).bias).toBe('all');
    expect(config({ add_qkv_bias: false }).bias).toBe('none');
    expect(config({ rope_ratio: 50 }).rotaryTheta).toBe(500_000);
  });
});

describe('tensor names', () => {
  it.each([
    [chatglm2, 'transformer.embedding.word_embeddings.weight', 'transformer.word_embeddings.weight'],
    [
      chatglm2,
      'transformer.encoder.layers.7.self_attention.query_key_value.bias',
      'transformer.layers.7.attention.query_key_value.bias',
    ],
    [
      chatglm2,
      'transformer.encoder.layers.0.self_attention.dense.weight',
      'transformer.layers.0.attention.dense.weight',
    ],
    [
      chatglm2,
      'transformer.encoder.layers.0.mlp.dense_h_to_4h.weight',
      'transformer.layers.0.mlp.dense_h_to_4h.weight',
    ],
    [chatglm2, 'transformer.encoder.final_layernorm.weight', 'transformer.final_layernorm.weight'],
    [chatglm2, 'transformer.output_layer.weight', 'lm_head.weight'],
    [glmHf, 'model.embed_tokens.weight', 'transformer.word_embeddings.weight'],
    [glmHf, 'model.norm.weight', 'transformer.final_layernorm.weight'],
    [glmHf, 'lm_head.weight', 'lm_head.weight'],
    [glmHf, 'model.layers.12.mlp.gate_up_proj.weight', 'transformer.layers.12.mlp.dense_h_to_4h.weight'],
    [glmHf, 'model.layers.12.mlp.down_proj.weight', 'transformer.layers.12.mlp.dense_4h_to_h.weight'],
    [glm4Hf, 'model.layers.3.self_attn.o_proj.weight', 'transformer.layers.3.attention.dense.weight'],
    [glm4Hf, 'model.layers.3.post_self_attn_layernorm.weight', 'transformer.layers.3.post_self_attn_layernorm.weight'],
    [glm4Hf, 'model.layers.3.post_mlp_layernorm.weight', 'transformer.layers.3.post_mlp_layernorm.weight'],
  ])('$0.name: %s', (family, name, canonical) => {
    expect(family.canonicalName(name)).toBe(canonical);
  });

  it('knows the parts of the fused projection', () => {
    const name = 'transformer.layers.3.attention.query_key_value.bias';
    for (const [letter, part] of [
      ['q', 'query'],
      ['k', 'key'],
      ['v', 'value'],
    ]) {
      expect(glmHf.canonicalName(`model.layers.3.self_attn.${letter}_proj.bias`)).toEqual({ name, part });
    }
  });

  it('puts queries, keys and values below one another', async () => {
    const file = await openSafetensors(golden('glm-hf/model.safetensors'));
    const parts = await Promise.all(
      ['q', 'k', 'v'].map((part) => file.read(`model.layers.1.self_attn.${part}_proj.bias`)),
    );
    await file.close();
    for await (const { name, shape, data } of (await loadModelFolder(golden('glm-hf'))).tensors()) {
      if (name !== 'transformer.layers.1.attention.query_key_value.bias') continue;
      expect(shape).toEqual([128]);
      expect(Buffer.from(data)).toEqual(Buffer.concat(parts));
      return;
    }
    expect.unreachable();
  });
});

describe('what is refused', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['chatglm2-6b', { rmsnorm: false }, /"rmsnorm" must be true/],
    [
      'chatglm2-6b',
      { apply_residual_connection_post_layernorm: true },
      /"apply_residual_connection_post_layernorm" must be false/,
    ],
    ['chatglm2-6b', { quantization_bit: 2 }, /"quantization_bit" must be 0/],
    ['chatglm2-6b', { pre_seq_len: 128 }, /"pre_seq_len" must be null/],
    ['chatglm2-6b', { kv_channels: undefined }, /"kv_channels" must be a whole number above 0, but it is absent/],
    ['chatglm2-6b', { kv_channels: 18 }, /turn a multiple of 2 of the 18 dimensions of a head, but 9 are asked for/],
    [
      'chatglm2-6b',
      { kv_channels: 32 },
      /query_key_value.weight must have shape \[256,64\] by config.json, but it has \[128,64\]/,
    ],
    ['chatglm2-6b', { multi_query_group_num: 3 }, /4 heads are not a multiple of 3 key\/value heads/],
    [
      'chatglm2-6b',
      { add_qkv_bias: false },
      /tensor transformer.encoder.layers.0.self_attention.query_key_value.bias has no place in chatglm2/,
    ],
    [
      'chatglm2-6b',
      { add_bias_linear: true },
      /tensor transformer.layers.0.attention.dense.bias \[64\] of chatglm2 is missing/,
    ],
    ['glm-hf', { hidden_act: 'gelu' }, /"hidden_act" must be "silu"/],
    ['glm-hf', { rope_scaling: { type: 'yarn', factor: 4 } }, /"rope_scaling" must be null/],
    ['glm-hf', { partial_rotary_factor: 0.3 }, /turn a multiple of 2 of the 16 dimensions .* but 4.8 are asked for/],
    ['glm-hf', { partial_rotary_factor: 2 }, /of the 16 dimensions of a head, but 32 are asked for/],
    [
      'glm-hf',
      { num_key_value_heads: 4 },
      /layers.0.self_attn.k_proj.weight must have shape \[64,64\] by config.json, but it has \[32,64\]/,
    ],
    ['glm-hf', { head_dim: 2 ** 20 }, /4 heads of 1048576 are beyond the limit/],
    ['glm-hf', { tie_word_embeddings: true }, /tensor lm_head.weight has no place in glm-hf/],
    ['glm-hf', { model_type: 'glm4_moe' }, /"moe_intermediate_size" must be a whole number above 0, but it is absent/],
    ['glm4-moe-hf', { num_experts_per_tok: 9 }, /9 of 8 experts cannot be chosen from 1 of 1 groups/],
    ['glm4-moe-hf', { n_group: 3 }, /3 of 8 experts cannot be chosen from 1 of 3 groups/],
    ['glm4-moe-hf', { n_routed_experts: 2 ** 20 }, /1048576 experts of 24 beside one of 24 are beyond the limits/],
    ['glm4-moe-hf', { num_hidden_layers: 2 }, /tensor model.layers.2.* has no place in glm4-moe-hf/],
    [
      'glm4-moe-hf',
      { first_k_dense_replace: 0 },
      /transformer.layers.0.mlp.gate.weight \[8,64\] of glm4-moe-hf is missing/,
    ],
    ['glm4-moe-hf', { use_qk_norm: false }, /tensor model.layers.0.self_attn.[qk]_norm.weight has no place/],
    ['glm-hf', { model_type: 'toString' }, /no known family .*"toString"/],
    ['glm4-hf', { model_type: 'glm' }, /tensor model.layers.0.post_self_attn_layernorm.weight has no place in glm-hf/],
    [
      'glm-hf',
      { model_type: 'glm4' },
      /tensor transformer.layers.0.post_self_attn_layernorm.weight \[64\] of glm4-hf is missing/,
    ],
  ])('%s with %j', async (family, changes, message) => {
    await expect(loadModelFolder(changed(family, changes))).rejects.toThrow(message);
  });

  const KEY = 'model.layers.1.self_attn.k_proj.weight';
  it('a part of the fused projection that is missing, of another type, or there twice', async () => {
    const without = rewritten('glm-hf', (plan) => (plan.name === KEY ? undefined : plan));
    await expect(without.then(loadModelFolder)).rejects.toThrow(
      /the key rows of tensor transformer.layers.1.attention.query_key_value.weight of glm-hf are missing/,
    );
    const narrow = rewritten(
      'glm-hf',
      (plan) => (plan.name === KEY ? { ...plan, dtype: 'F16' } : plan),
      (found, { name }) => (name === KEY ? found.subarray(0, found.length / 2) : found),
    );
    await expect(narrow.then(loadModelFolder)).rejects.toThrow(
      /must have one data type, but they have .*q_proj.weight F32, .*k_proj.weight F16, .*v_proj.weight F32/,
    );
    const fused = rewritten('glm-hf', (plan) =>
      plan.name === 'model.norm.weight' ? { ...plan, name: 'model.layers.1.attention.query_key_value.weight' } : plan,
    );
    await expect(fused.then(loadModelFolder)).rejects.toThrow(
      /both .*(q_proj|query_key_value).* hold the transformer.layers.1/,
    );
  });
});
