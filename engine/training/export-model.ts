/** The trained model as a folder of its own. */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { float32ToBfloat16 } from '../checkpoint/float-formats.ts';
import { writeSafetensors } from '../checkpoint/safetensors.ts';
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import { clozeKeys } from '../model/families/cloze.ts';
import { glm130bKeys, isGlm130b } from '../model/families/glm-130b.ts';
import type { NativeTrainer } from '../native.ts';

/** Writes a model folder that `loadModelFolder` reads: bfloat16 weights, config.json, the tokenizer's files. */
export async function exportModel(
  trainer: NativeTrainer,
  config: GlmConfig,
  folder: string,
  tokenizerFolder: string,
  metadata: Record<string, string>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const plans = tensorShapes(config).map(({ name, shape }) => ({ name, shape, dtype: 'BF16' as const }));
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    plans,
    (name) => {
      const rounded = float32ToBfloat16(trainer.get(name, 'parameter'));
      return new Uint8Array(rounded.buffer, rounded.byteOffset, rounded.byteLength);
    },
    metadata,
  );
  const keys = isGlm130b(config) ? glm130bKeys(config) : clozeKeys(config);
  await writeFileAtomically(join(folder, 'config.json'), `${JSON.stringify(keys, null, 2)}\n`);
  await cp(join(tokenizerFolder, 'tokenizer.json'), join(folder, 'tokenizer.json'));
}
