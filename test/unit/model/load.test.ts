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
import { parameterCount, tensorShapes } from '../../../engine/model/config.ts';
import { glm130bKeys } from '../../../engine/model/families/glm-130b.ts';
import { type LoadedTensor, loadModelFolder } from '../../../engine/model/load.ts';

const golden = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'cloze-model-'));
afterAll(() => rmSync(home, { recursive: true }));

async function all(tensors: AsyncIterable<LoadedTensor>): Promise<LoadedTensor[]> {
  const list: LoadedTensor[] = [];
  for await (const tensor of tensors) list.push(tensor);
  return list;
}

/** A copy of a golden model whose config.json is changed; undefined removes a key. */
function changed(family: string, changes: Record<string, unknown>): string {
  const folder = mkdtempSync(join(home, 'changed-'));
  cpSync(golden(`${family}/model.safetensors`), join(folder, 'model.safetensors'));
  const config = JSON.parse(readFileSync(golden(`${family}/config.json`), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
  return folder;
}

/** A copy of a golden model whose tensors have other names or another type. */
async function rewritten(family: string, rename: (name: string) => string, dtype?: 'I32'): Promise<string> {
  const folder = changed(family, {});
  const file = await openSafetensors(golden(`${family}/model.safetensors`));
  const plans: TensorPlan[] = [];
  const source = new Map<string, string>();
  for (const [name, info] of file.tensors) {
    plans.push({ name: rename(name), dtype: dtype ?? info.dtype, shape: info.shape });
    source.set(rename(name), name);
  }
  await writeSafetensors(join(folder, 'model.safetensors'), plans, (name) => file.read(source.get(name) as string));
  await file.close();
  return folder;
}

const same = (name: string) => name;

describe('the families', () => {
  it('reads GLM-130B', async () => {
    const model = await loadModelFolder(golden('glm-130b'));
    expect(model.family).toBe('glm-130b');
    expect(model.config).toEqual({
      vocabSize: 168,
      hiddenSize: 64,
      innerSize: 168,
      layers: 3,
      heads: 4,
      maxLength: 96,
      positions: 'rotary-1d',
      norm: 'deepnorm',
      residualAlpha: Math.sqrt(6),
      activation: 'geglu',
      qkvLayout: 'per-head',
      tiedEmbedding: true,
      layerNormEpsilon: 1e-5,
      rotaryFloat16: true,
    });
    const tensors = await all(model.tensors());
    expect(tensors.map(({ name, shape }) => ({ name, shape }))).toEqual(tensorShapes(model.config));
    const floats = tensors.reduce((sum, tensor) => sum + tensor.data.byteLength / 4, 0);
    expect(floats).toBe(parameterCount(model.config));
    const halves = await all((await loadModelFolder(golden('glm-130b/f16'))).tensors());
    for (const [index, { dtype, data }] of halves.entries()) {
      const wide = tensors[index] as LoadedTensor;
      expect(dtype).toBe('F16');
      expect(floatsOf(data, 'F16')).toEqual(floatsOf(wide.data, 'F32'));
    }
  });

  it('reads ChatGLM-6B, whose alpha does not follow the depth', async () => {
    const { family, config } = await loadModelFolder(golden('chatglm-6b'));
    expect(family).toBe('chatglm-6b');
    expect(config.residualAlpha).toBe(Math.sqrt(56));
    expect(config).toMatchObject({ positions: 'rotary-2d', activation: 'gelu-tanh', tiedEmbedding: false, layers: 3 });
    expect((await loadModelFolder(changed('chatglm-6b', { position_encoding_2d: false }))).config.positions).toBe(
      'rotary-1d',
    );
  });

  it('reads GLM 2021 with and without the prefix of save_pretrained', async () => {
    const plain = await loadModelFolder(golden('glm-2021'));
    expect(plain.family).toBe('glm-2021');
    expect(plain.config).toMatchObject({
      positions: 'learned-2d',
      norm: 'pre',
      activation: 'gelu',
      qkvLayout: 'thirds',
    });
    expect(plain.config).toMatchObject({ maxLength: 96, innerSize: 256, tiedEmbedding: true });
    const prefixed = await loadModelFolder(await rewritten('glm-2021', (name) => `glm.${name}`));
    expect(await all(prefixed.tensors())).toEqual(await all(plain.tensors()));
  });

  it('writes the keys of the embedded model so that they are read back', async () => {
    const { config } = await loadModelFolder(golden('glm-130b'));
    const twoDimensional = { ...config, positions: 'rotary-2d', layerNormEpsilon: 1e-6 } as const;
    expect((await loadModelFolder(changed('glm-130b', glm130bKeys(twoDimensional)))).config).toEqual(twoDimensional);
    const preLayerNorm = { ...config, norm: 'pre', residualAlpha: 1 } as const;
    expect((await loadModelFolder(changed('glm-130b', glm130bKeys(preLayerNorm)))).config).toEqual(preLayerNorm);
    expect(() => glm130bKeys({ ...config, activation: 'gelu' })).toThrow(/cannot express/);
  });
});

describe('what is wrong with a folder', () => {
  const configs: [string, Record<string, unknown>, RegExp][] = [
    ['glm-130b', { model_class: 'LLaMA' }, /no known family .*"LLaMA".* Known are glm-130b .*chatglm-6b .*glm-2021/],
    ['chatglm-6b', { inner_hidden_size: undefined }, /no known family .*"chatglm"/],
    [
      'glm-130b',
      { num_layers: undefined },
      /config.json: "num_layers" must be a whole number above 0, but it is absent/,
    ],
    ['glm-130b', { hidden_size: '64' }, /"hidden_size" must be .*but it is "64"/],
    ['glm-130b', { num_attention_heads: 3 }, /hidden size 64 is not a multiple of 3 heads/],
    ['glm-130b', { position_encoding_2d: true, num_attention_heads: 32 }, /multiple of 4, but it is 2/],
    ['glm-130b', { num_layers: 1e9 }, /layers 1000000000 is beyond the limit/],
    ['glm-130b', { layernorm_order: 'sandwich' }, /"layernorm_order" must be "post" or "pre"/],
    ['glm-130b', { position_encoding_2d: 1 }, /"position_encoding_2d" must be true or false/],
    ['glm-130b', { layernorm_epsilon: 0 }, /"layernorm_epsilon" must be a number above 0/],
    [
      'glm-130b',
      { vocab_size: 176 },
      /word_embeddings.weight must have shape \[176,64\] by config.json, but it has \[168,64\]/,
    ],
    ['glm-130b', { num_layers: 4 }, /tensor transformer.layers.3.input_layernorm.weight \[64\] of glm-130b is missing/],
    ['glm-130b', { num_layers: 2 }, /tensor transformer.layers.2.\S+ has no place in glm-130b/],
    ['glm-2021', { max_sequence_length: 97 }, /position_embeddings.weight must have shape \[98,64\]/],
    ['glm-2021', { block_position_encoding: false }, /"block_position_encoding" must be true/],
  ];
  it.each(configs)('%s with %j', async (family, changes, message) => {
    await expect(loadModelFolder(changed(family, changes))).rejects.toThrow(message);
  });

  it('weights of another type, or twice under two names', async () => {
    await expect(rewritten('glm-130b', same, 'I32').then(loadModelFolder)).rejects.toThrow(
      /must be one of F32, F16, BF16, but it is I32/,
    );
    const twice = rewritten('glm-2021', (name) =>
      name === 'transformer.final_layernorm.bias' ? 'glm.transformer.final_layernorm.weight' : name,
    );
    await expect(twice.then(loadModelFolder)).rejects.toThrow(/both transformer.final_layernorm.weight and glm./);
  });

  it('files that are absent or no JSON', async () => {
    await expect(loadModelFolder(join(home, 'nowhere'))).rejects.toThrow(
      /config.json does not exist. A model folder holds/,
    );
    const folder = changed('glm-130b', {});
    rmSync(join(folder, 'model.safetensors'));
    await expect(loadModelFolder(folder)).rejects.toThrow(/model.safetensors does not exist/);
    writeFileSync(join(folder, 'config.json'), '{');
    await expect(loadModelFolder(folder)).rejects.toThrow(/config.json is not JSON/);
    writeFileSync(join(folder, 'config.json'), '[1]');
    await expect(loadModelFolder(folder)).rejects.toThrow(/not a JSON object/);
  });
});
