/** What a trainer refuses, and in which words. */
import { describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { loadAddon, type NativeBatch, type TrainerVector } from '../../../engine/native.ts';
import { openTrainer, randomBatch, SMALLEST } from './tiny.ts';

describe('misuse', () => {
  const batch = randomBatch(SMALLEST, 2);
  const changed = (rows: Int32Array, at: number, value: number) => rows.map((own, i) => (i === at ? value : own));

  it.each<[string, Partial<Record<keyof NativeBatch, unknown>>, RegExp]>([
    ['a token beyond the vocabulary', { tokens: changed(batch.tokens, 3, 37) }, /"tokens" has 37 at index 3/],
    ['a target beyond the vocabulary', { targets: changed(batch.targets, 152, 37) }, /target 37 lies outside/],
    ['a negative target', { targets: changed(batch.targets, 152, -1) }, /target -1 lies outside/],
    ['a position beyond the tables', { positions: changed(batch.positions, 0, 162) }, /"positions" has 162 at index 0/],
    ['too few targets', { targets: batch.targets.slice(1) }, /same number of rows/],
    ['too short a mask', { lossMask: batch.lossMask.slice(1) }, /same number of rows/],
    ['fewer separators than lengths', { separators: Int32Array.of(1) }, /same number of rows/],
    ['a separator beyond its sample', { separators: Int32Array.of(9, 132, 0) }, /Sample 1 .* separator 132/],
    ['a sample without rows', { lengths: Int32Array.of(0, 148, 5) }, /Sample 0 has length 0/],
    ['samples longer than the rows', { lengths: Int32Array.of(17, 2 ** 31 - 1, 5) }, /Sample 1 has length 2147483647/],
    ['samples shorter than the rows', { lengths: Int32Array.of(17, 131, 4) }, /do not add up to the rows/],
    ['targets of another type', { targets: new Uint8Array(153) }, /"targets" of a batch must be an Int32Array/],
    ['a mask of another type', { lossMask: new Int32Array(153) }, /"lossMask" of a batch must be a Uint8Array/],
    ['lengths that are no array', { lengths: [17, 131, 5] }, /"lengths" of a batch must be an Int32Array/],
    ['no separators', { separators: undefined }, /"separators" of a batch must be an Int32Array/],
  ])('%s', async (_, change, message) => {
    const trainer = await openTrainer();
    const wrong = { ...batch, ...change } as NativeBatch;
    expect(() => trainer.evaluate(wrong)).toThrow(message);
    expect(() => trainer.forwardBackward(wrong, 1, 1)).toThrow(message);
  });

  it('an encoder without rows, or with targets', async () => {
    const config: GlmConfig = { ...SMALLEST, decoderLayers: 1 };
    const trainer = await openTrainer(config);
    const own = randomBatch(config, 2);
    const none = { ...own, separators: Int32Array.of(9, 0, 1) };
    expect(() => trainer.evaluate(none)).toThrow('Sample 1 has no Part A, which the encoder of this model needs.');
    const lossMask = own.lossMask.map((counts, row) => (row === 17 ? 1 : counts));
    expect(() => trainer.evaluate({ ...own, lossMask })).toThrow('Sample 1 has rows of Part A that count in the loss');
    // A sample that the encoder reads and the decoder does not has no part in the loss.
    const [unread, alone] = [
      {
        ...own,
        separators: Int32Array.of(17, 70, 1),
        lossMask: own.lossMask.map((counts, row) => (row < 17 ? 0 : counts)),
      },
      { ...own, lossMask: own.lossMask.map((counts, row) => (row < 17 ? 0 : counts)) },
    ];
    expect(await trainer.evaluate(unread)).toEqual(await trainer.evaluate(alone));
  });

  it('a target that does not count may be anything', async () => {
    const row = batch.lossMask.indexOf(0);
    const trainer = await openTrainer();
    const { sum } = await trainer.evaluate({ ...batch, targets: changed(batch.targets, row, -7) });
    expect(sum).toBe((await trainer.evaluate(batch)).sum);
  });

  it('unknown tensors and vectors, wrong sizes and types', async () => {
    const trainer = await openTrainer();
    const name = 'transformer.final_layernorm.bias';
    expect(() => trainer.get('lm_head.weight', 'gradient')).toThrow('The model has no tensor "lm_head.weight".');
    expect(() => trainer.gradientNorm('nothing')).toThrow('The model has no tensor "nothing".');
    expect(() => trainer.get(name, 'moment3' as TrainerVector)).toThrow('Unknown vector "moment3".');
    expect(() => trainer.set(name, new Float32Array(23), 'parameter')).toThrow('has 24 values; 23 were given');
    expect(() => trainer.set(name, new Float64Array(24) as unknown as Float32Array, 'parameter')).toThrow(
      'must be a Float32Array',
    );
  });

  it('a precision and a number of threads that there are not', () => {
    const make = (precision: string, threads: number) =>
      new (loadAddon().Trainer)(SMALLEST, { level: '', threads, precision: precision as 'float32' });
    expect(() => make('int8', 1)).toThrow('has "int8" for "precision"; known are float32, bfloat16, float16.');
    expect(() => make('float32', 0)).toThrow('needs a whole number of at least 1 for "threads"');
    expect(() => make('float32', 2000)).toThrow('at most 1024 threads; 2000 were asked for');
  });
});
