/** Which share of the tuned weights is taken, and what is written for it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float32ToBfloat16 } from '../../../engine/checkpoint/float-formats.ts';
import { floatsOf } from '../../../engine/checkpoint/safetensors.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { chooseShare, type MixturePoint, writeMixture } from '../../../engine/tuning/mixing.ts';

const curve = (...rows: [share: number, project: number, guard: number][]): MixturePoint[] =>
  rows.map(([share, project, guard]) => ({ share, project, guard }));

describe('the share', () => {
  it('is the best on the project that leaves the guard where it was', () => {
    expect(chooseShare(curve([0, 2, 3], [0.25, 1.9, 2.99], [0.5, 1.8, 3.005], [0.75, 1.7, 3.2], [1, 1.6, 3.5]))).toBe(
      0.5,
    );
  });

  it('is less than whole where the files were learnt by heart', () => {
    expect(chooseShare(curve([0, 2, 3], [0.5, 1.7, 3], [1, 1.9, 3]))).toBe(0.5);
  });

  it('is nothing where every one costs the guard too much, or helps the project nothing', () => {
    expect(chooseShare(curve([0, 2, 3], [0.25, 1.9, 3.1], [1, 1.5, 3.9]))).toBe(0);
    expect(chooseShare(curve([0, 2, 3], [0.25, 2, 3]))).toBe(0);
  });

  it('cannot be chosen from nothing', () => {
    expect(() => chooseShare([])).toThrow(/losses of the base/);
  });
});

describe('the mixture', () => {
  const home = mkdtempSync(join(tmpdir(), 'cloze-mixing-'));
  afterAll(() => rmSync(home, { recursive: true }));

  it('lies between base and tuned weights, tensor by tensor', async () => {
    const base = await loadModelFolder('engine/embedded-model');
    const other = join(home, 'other');
    // Twice the base stands for what training came to: half of the way is one and a half.
    const doubled = {
      ...base,
      async *tensors() {
        for await (const tensor of base.tensors()) {
          const stored = float32ToBfloat16(floatsOf(tensor.data, tensor.dtype).map((value) => 2 * value));
          yield { ...tensor, dtype: 'BF16' as const, data: Uint8Array.from(new Uint8Array(stored.buffer)) };
        }
      },
    };
    await writeMixture(base, doubled, 0.5, other);
    const mixed = await loadModelFolder(other);
    expect(mixed.metadata).toEqual(base.metadata);
    const first = new Map<string, Float32Array>();
    for await (const { name, data, dtype } of base.tensors()) first.set(name, floatsOf(data, dtype));
    for await (const { name, data, dtype } of mixed.tensors()) {
      const wanted = first.get(name)?.map((value) => 1.5 * value) as Float32Array;
      expect(Buffer.from(floatsOf(data, dtype).buffer).equals(Buffer.from(rounded(wanted).buffer)), name).toBe(true);
    }
    expect(readFileSync(join(other, 'tokenizer.json')).length).toBeGreaterThan(0);
  });

  it('is refused where the models are not of one kind', async () => {
    const base = await loadModelFolder('engine/embedded-model');
    const nothing = { ...base, async *tensors() {} };
    await expect(writeMixture(base, nothing, 0.5, join(home, 'nothing'))).rejects.toThrow(/do not both have/);
  });

  function rounded(values: Float32Array): Float32Array {
    return bfloat16ToFloat32(float32ToBfloat16(values));
  }
});
