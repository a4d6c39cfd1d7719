/** Model folders with random weights and a small tokenizer, in the form that released models have. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { tensorShapes } from '../../../engine/model/config.ts';
import { chatglm6b } from '../../../engine/model/families/chatglm-6b.ts';
import { chatglm2 } from '../../../engine/model/families/chatglm2.ts';
import { configKeys } from '../../../engine/model/families/config-keys.ts';
import { createRandom } from '../../../engine/objective/random.ts';

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));

export interface RandomCheckpoint {
  /** A golden model, whose config.json is taken. */
  golden: string;
  config: Record<string, unknown>;
  /** Names in the folder and fixtures of tokenizers. */
  tokenizer: Record<string, string>;
}

/** Writes a folder under `home`; all weights lie between -0.5 and 0.5. */
export async function randomCheckpoint(home: string, { golden, config, tokenizer }: RandomCheckpoint): Promise<string> {
  const folder = mkdtempSync(join(home, 'checkpoint-'));
  const keys = { ...JSON.parse(readFileSync(fixture(`golden/${golden}/config.json`), 'utf8')), ...config };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(keys));
  const own = configKeys(JSON.stringify(keys), 'config.json');
  const family = [chatglm2, chatglm6b].find((candidate) => candidate.recognises(own));
  if (!family) throw new Error('no family');
  const plans = tensorShapes(family.config(own)).map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const }));
  const random = createRandom(7);
  await writeSafetensors(join(folder, 'model.safetensors'), plans, (name) => {
    const { shape } = plans.find((plan) => plan.name === name) as (typeof plans)[number];
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < values.length; i++) values[i] = random.float() - 0.5;
    return new Uint8Array(values.buffer);
  });
  for (const [name, from] of Object.entries(tokenizer)) cpSync(fixture(`tokenizers/${from}`), join(folder, name));
  return folder;
}
