/** Every model that can be trained is written in a form that is read back as the same model. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clozeKeys } from '../../../engine/model/families/cloze.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { exportModel } from '../../../engine/training/export-model.ts';
import { RECIPES } from '../../../engine/training/recipes.ts';
import { CONFIGS, randomTensors, SMALLEST, trainerOf } from '../native/tiny.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-family-'));
afterAll(() => rmSync(home, { recursive: true }));
writeFileSync(join(home, 'tokenizer.json'), '{}');

const small = { vocabSize: 40, hiddenSize: 16, innerSize: 12, layers: 2, heads: 2, maxLength: 50 };
const own = Object.entries(RECIPES).map(([name, { config }]) => [
  name,
  { ...config, ...small, residualAlpha: config.norm === 'deepnorm' ? 2 : 1 },
]) as [string, typeof SMALLEST][];

describe.each([...Object.entries(CONFIGS), ...own])('%s', (_, config) => {
  it('is read back', async () => {
    const trainer = await trainerOf(config, randomTensors(config, createRandom(1)));
    const folder = mkdtempSync(join(home, 'model-'));
    await exportModel(trainer, config, folder, home, { recipe: 'toy' });
    const model = await loadModelFolder(folder);
    expect(model.config).toEqual(config);
    let tensors = 0;
    for await (const { dtype } of model.tensors()) {
      expect(dtype).toBe('BF16');
      tensors++;
    }
    expect(tensors).toBe(randomTensors(config, createRandom(1)).size);
  });
});

describe('the family of an exported model', () => {
  it('is GLM-130B where that can express it, so that other programs read it, and our own elsewhere', async () => {
    const familyOf = async (config: typeof SMALLEST) => {
      const folder = mkdtempSync(join(home, 'family-'));
      await exportModel(await trainerOf(config, randomTensors(config, createRandom(1))), config, folder, home, {});
      return (await loadModelFolder(folder)).family;
    };
    expect(await familyOf(SMALLEST)).toBe('glm-130b');
    expect(await familyOf({ ...SMALLEST, norm: 'pre', residualAlpha: 1, embeddingNorm: true })).toBe('cloze');
    expect(await familyOf({ ...SMALLEST, norm: 'post', residualAlpha: 1 })).toBe('cloze');
    const folder = mkdtempSync(join(home, 'wrong-'));
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'cloze', layers: 2, vocabSize: 'many' }));
    await expect(loadModelFolder(folder)).rejects.toThrow('"vocabSize" must be a whole number above 0');
    const decoder = async (change: Partial<typeof SMALLEST>) => {
      writeFileSync(join(folder, 'config.json'), JSON.stringify(clozeKeys({ ...SMALLEST, ...change })));
      return loadModelFolder(folder);
    };
    await expect(decoder({ decoderLayers: 2 })).rejects.toThrow('2 decoder layers of 2 leave the encoder none.');
    await expect(decoder({ decoderLayers: 1, causal: true })).rejects.toThrow('has an encoder, which cannot be causal');
  });
});
