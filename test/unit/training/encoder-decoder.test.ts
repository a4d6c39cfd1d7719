/** A text copied by an encoder-decoder: what it learns comes through cross-attention, and is kept in its folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { loadAddon, type NativeTrainer } from '../../../engine/native.ts';
import type { InfillingSample } from '../../../engine/objective/blank-infilling.ts';
import { encodedAndDecoded } from '../../../engine/objective/encoder-decoder.ts';
import { createRandom, type Random } from '../../../engine/objective/random.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { exportModel } from '../../../engine/training/export-model.ts';
import { initialTensors } from '../../../engine/training/initialize.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';

const [SOP, EOP, FIRST, LETTERS] = [0, 1, 2, 14];
const CONFIG: GlmConfig = {
  vocabSize: FIRST + LETTERS,
  hiddenSize: 48,
  innerSize: 64,
  layers: 3,
  decoderLayers: 1,
  heads: 2,
  maxLength: 32,
  positions: 'learned-2d',
  norm: 'pre',
  residualAlpha: 1,
  activation: 'gelu',
  qkvLayout: 'thirds',
  tiedEmbedding: true,
  layerNormEpsilon: 1e-5,
  rotaryFloat16: false,
};
const OPTIMIZER = { clip: 1, beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01, decayAll: false };
const STEPS = 300;

/** Three to eight letters, of which none tells the next. */
const drawText = (random: Random) => Array.from({ length: 3 + random.below(6) }, () => FIRST + random.below(LETTERS));
const copied = (text: readonly number[]): InfillingSample => encodedAndDecoded(text, [SOP, ...text, EOP]);
const drawBatch = (random: Random, count: number) =>
  toBatch(Array.from({ length: count }, () => copied(drawText(random))));

const home = mkdtempSync(join(tmpdir(), 'cloze-copy-'));
afterAll(() => rmSync(home, { recursive: true }));
writeFileSync(join(home, 'tokenizer.json'), '{}');

let trainer: NativeTrainer;
const unseen = drawBatch(createRandom(99), 64);
const meanLoss = async () => {
  const { sum, count } = await trainer.evaluate(unseen);
  return sum / count;
};

beforeAll(async () => {
  const random = createRandom(1);
  trainer = new (loadAddon().Trainer)(CONFIG, { level: '', threads: 2, precision: 'float32' });
  for (const { name, values } of initialTensors(CONFIG, random)) trainer.set(name, values, 'parameter');
  await trainer.pack();
  expect(await meanLoss()).toBeGreaterThan(0.9 * Math.log(CONFIG.vocabSize));
  for (let step = 0; step < STEPS; step++) {
    const batch = drawBatch(random, 32);
    const counted = batch.lossMask.reduce((sum, counts) => sum + counts, 0);
    trainer.zeroGradients();
    await trainer.forwardBackward(batch, 1 / counted, 1);
    await trainer.update({ ...OPTIMIZER, learningRate: 4e-3 * Math.min(1, step / 20, (STEPS - step) / 100) });
  }
}, 120_000);

describe('a copied text', () => {
  it('is learnt through cross-attention', async () => {
    const learnt = await meanLoss();
    expect(learnt).toBeLessThan(0.1);
    const dense = 'transformer.layers.2.cross_attention.dense.weight';
    const values = trainer.get(dense, 'parameter');
    trainer.set(dense, new Float32Array(values.length), 'parameter');
    await trainer.pack();
    expect(await meanLoss()).toBeGreaterThan(1.5);
    trainer.set(dense, values, 'parameter');
    await trainer.pack();
    expect(await meanLoss()).toBe(learnt);
  });

  it('is written token by token by the model that was saved', async () => {
    const folder = join(home, 'model');
    await exportModel(trainer, CONFIG, folder, home, {});
    const runtime = await openNativeRuntime(await loadModelFolder(folder), { precision: 'float32', threads: 1 });
    const random = createRandom(7);
    for (let text = 0; text < 10; text++) {
      const wanted = drawText(random);
      const { sep, ...sample } = copied(wanted);
      const session = runtime.open(sample.tokens.length);
      await session.read(sliceRows(sample, 0, sep));
      const written: number[] = [SOP];
      while (written.length <= wanted.length + 1) {
        const rows = sliceRows(sample, sep + written.length - 1, sep + written.length);
        rows.tokens.set([written.at(-1) as number]);
        const logits = await session.extend(rows);
        written.push(logits.indexOf(Math.max(...logits)));
      }
      expect(written.slice(1)).toEqual([...wanted, EOP]);
      session.dispose();
    }
    runtime.dispose();
  });
});
