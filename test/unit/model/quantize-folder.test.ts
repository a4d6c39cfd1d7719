/** `cloze quantize`: the new folder reads like any other, in GLM-130B's layout; and what it refuses. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from '../../../engine/checkpoint/float-formats.ts';
import { dequantize, quantize, roundToEven } from '../../../engine/checkpoint/quantization.ts';
import { openSafetensors, type TensorInfo, writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { quantizeCommand } from '../../../engine/cli/quantize.ts';
import { loadModelFolder, valuesOf } from '../../../engine/model/load.ts';
import { quantizeFolder } from '../../../engine/model/quantize-folder.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import { goldenFolder, goldenPath } from '../native/golden.ts';

const work = mkdtempSync(join(tmpdir(), 'cloze-quantize-'));
afterAll(() => rmSync(work, { recursive: true }));
let made = 0;
const fresh = () => join(work, `model-${made++}`);
const DOWN = 'transformer.layers.0.mlp.dense_4h_to_h.weight';

async function valuesIn(path: string): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for await (const tensor of (await loadModelFolder(path)).tensors()) values.set(tensor.name, valuesOf(tensor));
  return values;
}

function squares(exact: Float32Array, made: Float32Array = exact): number {
  return exact.reduce((sum, value, i) => sum + (value - (made[i] as number)) ** 2, 0);
}

/** Of all scales that the search may take, by its definition. */
function leastError(values: Float32Array): number {
  const range = Math.max(...values.map(Math.abs));
  const errors = Array.from({ length: 26 }, (_, i) => {
    const scale = float16ToFloat32(float32ToFloat16(Float32Array.of((range * (1 - i / 50)) / 7)))[0] as number;
    return squares(
      values,
      values.map((value) => Math.max(-7, Math.min(7, roundToEven(value / scale))) * scale),
    );
  });
  return Math.min(...errors);
}

describe('cloze quantize', { timeout: 30_000 }, () => {
  it('writes GLM-130B’s names, types and shapes', async () => {
    const out = fresh();
    await quantizeCommand([
      goldenPath('glm-130b'),
      '--to',
      'int4',
      '--group',
      'row',
      '--scale',
      'absmax',
      '--out',
      out,
    ]);
    const source = await openSafetensors(join(goldenPath('glm-130b'), 'model.safetensors'));
    const [rows, columns] = (source.tensors.get(DOWN) as TensorInfo).shape as [number, number];
    await source.close();
    const file = await openSafetensors(join(out, 'model.safetensors'));
    expect(file.tensors.get(DOWN)).toMatchObject({ dtype: 'I8', shape: [rows, columns / 2] });
    expect(file.tensors.get(`${DOWN}_scale`)).toMatchObject({ dtype: 'F16', shape: [rows] });
    expect(file.tensors.get('transformer.word_embeddings.weight')).toMatchObject({ dtype: 'I8' });
    expect(file.tensors.get('transformer.final_layernorm.weight')).toMatchObject({ dtype: 'F32' });
    expect(file.metadata.quantization).toBe('int4, a scale for each row');
    await file.close();
    expect(readFileSync(join(out, 'config.json'))).toEqual(readFileSync(join(goldenPath('glm-130b'), 'config.json')));
  });

  it('with 4 bits takes of 26 scales the one that errs least', async () => {
    const [absmax, searched] = [fresh(), fresh()];
    await quantizeFolder(goldenPath('glm-130b'), absmax, { bits: 4, group: 32 });
    await quantizeCommand([goldenPath('glm-130b'), '--to', 'int4', '--scale', 'search', '--out', searched]);
    const [plain, best] = await Promise.all([absmax, searched].map(valuesIn));
    let better = 0;
    for await (const { name, shape, ...rest } of (await goldenFolder('glm-130b')).tensors()) {
      const [rows, columns] = shape as [number, number | undefined];
      if (columns === undefined || !name.includes('.layers.')) continue;
      const values = valuesOf({ name, shape, ...rest });
      const groups = Array.from({ length: rows * Math.ceil(columns / 32) }, (_, at): [number, number] => {
        const row = Math.floor(at / Math.ceil(columns / 32)) * columns;
        const begin = row + (at % Math.ceil(columns / 32)) * 32;
        return [begin, Math.min(begin + 32, row + columns)];
      });
      for (const group of groups) {
        const exact = values.subarray(...group);
        const least = squares(exact, best?.get(name)?.subarray(...group));
        const usual = squares(exact, plain?.get(name)?.subarray(...group));
        expect(least).toBeLessThanOrEqual(leastError(exact) * (1 + 1e-4));
        if (least < usual * 0.99) better++;
      }
    }
    expect(better).toBeGreaterThan(100);
  });

  it.each(['glm-130b', 'chatglm-6b', 'glm-2021', 'chatglm2-6b', 'glm-hf'])(
    'makes of %s a folder that is read back as what it stands for',
    async (family) => {
      const out = fresh();
      await quantizeFolder(goldenPath(family), out, { bits: 4, group: 32 });
      const folder = await loadModelFolder(out);
      expect(folder.bits).toBe(4);
      const exact = new Map<string, Float32Array>();
      for await (const { name, shape, ...rest } of (await goldenFolder(family)).tensors()) {
        const values = valuesOf({ name, shape, ...rest });
        const [rows, columns] = shape as [number, number | undefined];
        const isMatrix = columns !== undefined && !name.includes('position_embeddings');
        const format = name.includes('.layers.')
          ? ({ bits: 4, group: 32 } as const)
          : ({ bits: 8, group: 'row' } as const);
        exact.set(name, isMatrix ? dequantize(quantize(values, rows, columns, format)) : values);
      }
      expect(await valuesIn(out)).toEqual(exact);
      const runtime = await openNativeRuntime(folder, { threads: 1 });
      expect(runtime.device).toMatch(/ int4, 1 thread$/);
      runtime.dispose();
    },
  );

  it('has halved the bytes and more', async () => {
    const { before, after } = await quantizeFolder(join(process.cwd(), 'engine/embedded-model'), fresh(), {
      bits: 8,
      group: 'row',
    });
    expect(after).toBeLessThan(before * 0.51);
  });

  it('leaves nothing behind when the weights are damaged', async () => {
    const broken = fresh();
    cpSync(goldenPath('glm-130b'), broken, { recursive: true });
    const tensors = new Map<string, Uint8Array>();
    const source = await openSafetensors(join(broken, 'model.safetensors'));
    for (const name of source.tensors.keys()) tensors.set(name, await source.read(name));
    await source.close();
    new Float32Array((tensors.get(DOWN) as Uint8Array).buffer)[3] = Number.NaN;
    const path = join(broken, 'model.safetensors');
    await writeSafetensors(path, [...source.tensors.values()], (name) => tensors.get(name) as Uint8Array);
    const before = readdirSync(work);
    await expect(quantizeFolder(broken, fresh(), { bits: 8, group: 'row' })).rejects.toThrow(
      `${path}: tensor ${DOWN}: value 3 is NaN`,
    );
    expect(readdirSync(work)).toEqual(before);
  });

  it('refuses a folder that exists, one that is quantised, and options that there are not', async () => {
    const out = fresh();
    const golden = goldenPath('glm-130b');
    await quantizeCommand([golden, '--to', 'int8', '--out', out]);
    await expect(quantizeCommand([golden, '--to', 'int8', '--out', out])).rejects.toThrow(`${out} exists already`);
    await expect(quantizeCommand([out, '--to', 'int4', '--out', fresh()])).rejects.toThrow('is quantised already');
    await expect(quantizeCommand([golden, '--to', 'int3', '--out', fresh()])).rejects.toThrow('given "int3"');
    await expect(quantizeCommand([golden, '--to', 'int4', '--group', '16', '--out', fresh()])).rejects.toThrow('"16"');
    await expect(quantizeCommand(['--to', 'int4', '--out', fresh()])).rejects.toThrow('one model FOLDER');
  });
});

describe('reading quantised weights', { timeout: 30_000 }, () => {
  async function changed(edit: (tensors: Map<string, TensorInfo>) => void): Promise<string> {
    const out = fresh();
    await quantizeFolder(goldenPath('glm-130b'), out, { bits: 8, group: 'row' });
    const file = await openSafetensors(join(out, 'model.safetensors'));
    const tensors = new Map(file.tensors);
    await file.close();
    edit(tensors);
    const size = ({ begin, end }: TensorInfo) => new Uint8Array(end - begin);
    await writeSafetensors(join(out, 'model.safetensors'), [...tensors.values()], (name) =>
      size(tensors.get(name) as TensorInfo),
    );
    return out;
  }
  const of = (tensors: Map<string, TensorInfo>, name: string) => tensors.get(name) as TensorInfo;

  it('names scales that are missing or of another type', async () => {
    const missing = await changed((tensors) => tensors.delete(`${DOWN}_scale`));
    await expect(loadModelFolder(missing)).rejects.toThrow(
      `${DOWN}_scale of ${DOWN} must be F16, BF16 or F32, but they are missing`,
    );
    const other = await changed((tensors) => {
      const scale = of(tensors, `${DOWN}_scale`);
      tensors.set(scale.name, { ...scale, dtype: 'I16' });
    });
    await expect(loadModelFolder(other)).rejects.toThrow('must be F16, BF16 or F32, but they are I16');
  });

  it('names shapes that are of no format', async () => {
    const folder = await changed((tensors) => {
      const { shape, ...info } = of(tensors, DOWN);
      tensors.set(DOWN, { ...info, shape: [(shape[0] as number) * 2, (shape[1] as number) / 2] });
    });
    await expect(loadModelFolder(folder)).rejects.toThrow(`is no form of [`);
  });

  it('refuses whole numbers where a norm should be', async () => {
    const name = 'transformer.final_layernorm.weight';
    const folder = await changed((tensors) => {
      const { shape, begin } = of(tensors, name);
      tensors.set(name, { name, dtype: 'I8', shape, begin, end: begin + (shape[0] as number) });
    });
    await expect(loadModelFolder(folder)).rejects.toThrow(`${name} must be one of F32, F16, BF16, but it is I8`);
  });
});
