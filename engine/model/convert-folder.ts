/**
 * A model folder in another layout, its values to the bit the same: `hf`, config.json with one model.safetensors under the
 * family's own names; `sat`, the parts that SwissArmyTransformer and Megatron train (parallel-shards.ts), for the two
 * families that were made with them. One tensor is in memory at a time.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { type TensorPlan, writeSafetensors } from '../checkpoint/safetensors.ts';
import { DTYPE_BYTES } from '../checkpoint/safetensors-header.ts';
import type { TensorFile } from '../checkpoint/tensor-file.ts';
import { writeTorchFile } from '../checkpoint/torch-writer.ts';
import { glm130b } from './families/glm-130b.ts';
import { glm2021 } from './families/glm-2021.ts';
import { describeModelFolder, type ModelDescription } from './load.ts';
import { copyCompanions, copyConfig, writeFolder } from './new-folder.ts';
import { LATEST, shardName } from './parallel-shards.ts';
import { checkParts, partOf, partShape, splitOf } from './tensor-parallel.ts';

export type Layout = { to: 'hf' } | { to: 'sat'; parts: number };

/** Weights that come from no training step are called this. */
const ITERATION = '1';
const PARALLEL_FAMILIES: readonly string[] = [glm130b.name, glm2021.name];

interface Watching {
  onTensor?: (done: number, all: number) => void;
  signal?: AbortSignal;
}

/** `to` must not exist and appears when it is complete. Throws with what was wrong and what to do. */
export async function convertFolder(from: string, to: string, layout: Layout, watching: Watching = {}): Promise<void> {
  const description = await describeModelFolder(from);
  const { config, family, stored } = description;
  const parts = layout.to === 'sat' ? layout.parts : 1;
  if (layout.to === 'sat') {
    if (!PARALLEL_FAMILIES.includes(family)) {
      throw new Error(
        `${from} is of the family ${family}; SwissArmyTransformer's parts are written of ${PARALLEL_FAMILIES.join(' and ')} only.`,
      );
    }
    if (stored.some(({ format }) => format))
      throw new Error(`${from} is quantised, which is not trained on. Take the model that it was made from.`);
    checkParts(config, parts, from);
  }
  await writeFolder(to, async (aside) => {
    const file = await description.open();
    try {
      await copyConfig(from, aside, parts);
      await copyCompanions(from, aside);
      if (layout.to === 'hf') await writeWhole(file, aside, description, watching);
      else await writeParts(file, aside, description, parts, watching);
    } finally {
      await file.close();
    }
  });
}

async function writeWhole(file: TensorFile, folder: string, { metadata }: ModelDescription, watching: Watching) {
  const plans = [...file.tensors.values()];
  let done = 0;
  const bytesOf = (name: string) => {
    watching.signal?.throwIfAborted();
    watching.onTensor?.(done++, plans.length);
    return file.read(name);
  };
  // `format` is what Hugging Face's own loader asks for.
  await writeSafetensors(join(folder, 'model.safetensors'), plans, bytesOf, { ...metadata, format: 'pt' });
}

async function writeParts(
  file: TensorFile,
  folder: string,
  { config, stored }: ModelDescription,
  parts: number,
  { onTensor, signal }: Watching,
): Promise<void> {
  await mkdir(join(folder, ITERATION));
  const canonical = new Map(stored.map(({ name, sources: [source] }) => [source as string, name]));
  // Rotary frequencies, which have no canonical name, go along whole.
  const infos = [...file.tensors.values()].map(({ name: source, dtype, shape }) => {
    // GLM's own code knows no prefix of Hugging Face's.
    return {
      name: source.replace(/^glm\./, ''),
      source,
      dtype,
      shape,
      split: splitOf(canonical.get(source) ?? '', config),
    };
  });
  const byName = new Map(infos.map((info) => [info.name, info]));
  let done = 0;
  for (let index = 0; index < parts; index++) {
    const plans = infos.map(
      ({ name, dtype, shape, split }): TensorPlan => ({ name, dtype, shape: partShape(shape, split, parts) }),
    );
    await writeTorchFile(join(folder, ITERATION, shardName(index)), plans, async (name) => {
      signal?.throwIfAborted();
      onTensor?.(done++, parts * plans.length);
      const { source, dtype, shape, split } = byName.get(name) as (typeof infos)[number];
      const whole = await file.read(source);
      return split ? partOf(whole, shape, DTYPE_BYTES[dtype], split, { index, of: parts }) : whole;
    });
  }
  await writeFileAtomically(join(folder, LATEST), ITERATION);
}
