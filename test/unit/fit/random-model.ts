/** Model folders with weights of no meaning, of any shape. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { type GlmConfig, tensorShapes } from '../../../engine/model/config.ts';
import { clozeKeys } from '../../../engine/model/families/cloze.ts';
import { createRandom } from '../../../engine/objective/random.ts';

export const SHAPE: GlmConfig = {
  vocabSize: 4000,
  hiddenSize: 512,
  innerSize: 2048,
  layers: 4,
  heads: 8,
  maxLength: 2048,
  positions: 'rotary-2d',
  norm: 'pre',
  residualAlpha: 1,
  activation: 'gelu',
  qkvLayout: 'thirds',
  tiedEmbedding: true,
  layerNormEpsilon: 1e-5,
  rotaryFloat16: false,
};

/** Every tensor is a stretch of the same random numbers, in bfloat16: quick to make, and no two rows are alike. */
export async function randomModel(home: string, shape: Partial<GlmConfig>): Promise<string> {
  const config = { ...SHAPE, ...shape };
  const folder = mkdtempSync(join(home, 'model-'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(clozeKeys(config)));
  const random = createRandom(11);
  // Sign and lower bits at will, exponents that keep the values below 1/8.
  const stretch = Uint16Array.from(
    { length: 65_521 },
    () => 0x3c00 | (random.float() < 0.5 ? 0x8000 : 0) | (random.float() * 256),
  );
  const plans = tensorShapes(config).map(({ name, shape: own }) => ({ name, shape: own, dtype: 'BF16' as const }));
  await writeSafetensors(join(folder, 'model.safetensors'), plans, (name) => {
    const { shape: own } = plans.find((plan) => plan.name === name) as (typeof plans)[number];
    const values = new Uint16Array(own.reduce((product, size) => product * size, 1));
    for (let at = 0; at < values.length; at += stretch.length) values.set(stretch.subarray(0, values.length - at), at);
    return new Uint8Array(values.buffer);
  });
  return folder;
}
