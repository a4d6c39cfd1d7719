/**
 * GLM's own INT8 and INT4 checkpoints: what `quantization.py` of ChatGLM and `quantization/layers.py` of GLM-130B write,
 * made here from the golden models by those files' arithmetic, and read as they are.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '../../../engine/checkpoint/float-formats.ts';
import {
  type Dtype,
  floatsOf,
  openSafetensors,
  type TensorPlan,
  writeSafetensors,
} from '../../../engine/checkpoint/safetensors.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from '../../../engine/runtime/native.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { statePickle, tensorPickle, torchFile } from '../checkpoint/torch-writer.ts';
import { goldenCases, goldenPath } from '../native/golden.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-int-'));
afterAll(() => rmSync(home, { recursive: true }));

type Bits = 4 | 8;
type Written = Map<string, TensorPlan & { bytes: Uint8Array }>;

/** Of each layer the four projections are whole numbers; embedding, head, norms and biases stay as they are. */
const QUANTIZED = /layers\.\d+\.(self_)?attention\.(query_key_value|dense)\.weight$|\.dense_(h_to_4h|4h_to_h)\.weight$/;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

/** scale = max|row| / (2^(bits - 1) - 1), in half precision; with 4 bits the even column in the upper half of a byte. */
function byRow(values: Float32Array, [rows, columns]: [number, number], bits: Bits) {
  const top = 2 ** (bits - 1) - 1;
  const scales = float32ToFloat16(
    Float32Array.from({ length: rows }, (_, row) => {
      return Math.max(...values.subarray(row * columns, (row + 1) * columns).map(Math.abs)) / top;
    }),
  );
  const steps = float16ToFloat32(scales);
  const whole = values.map((value, i) => {
    return Math.max(-top, Math.min(top, Math.round(value / (steps[Math.floor(i / columns)] as number))));
  });
  const pairs = Array.from({ length: (rows * columns) / 2 }, (_, i) => {
    return (((whole[2 * i] as number) & 15) << 4) | ((whole[2 * i + 1] as number) & 15);
  });
  return {
    scales,
    packed: bits === 8 ? Int8Array.from(whole) : Int8Array.from(pairs),
    twin: whole.map((q, i) => q * (steps[Math.floor(i / columns)] as number)),
  };
}

/** A golden model in whole numbers, and the one of floats that it stands for. */
async function quantized(family: string, bits: Bits): Promise<{ whole: Written; twin: Written }> {
  const file = await openSafetensors(goldenPath(`${family}/model.safetensors`));
  const whole: Written = new Map();
  const twin: Written = new Map();
  for (const { name, dtype, shape } of file.tensors.values()) {
    const bytes = await file.read(name);
    const plan = { name, dtype, shape, bytes };
    if (!QUANTIZED.test(name)) {
      whole.set(name, plan);
      twin.set(name, plan);
      continue;
    }
    const [rows, columns] = shape as [number, number];
    const made = byRow(floatsOf(bytes, dtype), [rows, columns], bits);
    const scale = `${name}_scale`;
    whole.set(name, { name, dtype: 'I8', shape: [rows, (columns * bits) / 8], bytes: bytesOf(made.packed) });
    whole.set(scale, { name: scale, dtype: 'F16', shape: [rows], bytes: bytesOf(made.scales) });
    twin.set(name, { name, dtype: 'F32', shape, bytes: bytesOf(made.twin) });
  }
  await file.close();
  return { whole, twin };
}

const TORCH: Partial<Record<Dtype, string>> = { F32: 'FloatStorage', F16: 'HalfStorage', I8: 'CharStorage' };

async function written(
  family: string,
  tensors: Written,
  changes: Record<string, unknown>,
  torch = false,
): Promise<string> {
  const folder = mkdtempSync(join(home, 'model-'));
  const keys = JSON.parse(readFileSync(goldenPath(`${family}/config.json`), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...keys, ...changes }));
  if (!torch) {
    const of = (name: string) => tensors.get(name)?.bytes as Uint8Array;
    await writeSafetensors(join(folder, 'model.safetensors'), [...tensors.values()], of);
    return folder;
  }
  const elements = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
  const pickles = [...tensors.values()].map(({ name, dtype, shape }) => [
    name,
    tensorPickle({ type: TORCH[dtype] as string, key: name, length: elements(shape), shape }),
  ]);
  const storages = [...tensors.values()].map(({ name, bytes }) => [name, bytes]);
  writeFileSync(
    join(folder, 'pytorch_model.bin'),
    torchFile(statePickle(Object.fromEntries(pickles)), Object.fromEntries(storages)),
  );
  return folder;
}

async function logitsOf(folder: string, family: string, options: NativeRuntimeOptions = {}): Promise<Float32Array> {
  const runtime = await openNativeRuntime(await loadModelFolder(folder), { threads: 1, ...options });
  const session = runtime.open(runtime.config.maxLength);
  const record = goldenCases(`${family}/cases.json`).find(({ logits }) => logits.length > 0);
  if (!record) throw new Error('no case');
  await session.read(sliceRows(record.rows, 0, Math.max(record.sep, 1)));
  const logits = await session.extend(sliceRows(record.rows, Math.max(record.sep, 1)), { logits: 'all' });
  runtime.dispose();
  return logits;
}

function distance(a: Float32Array, b: Float32Array): number {
  const square = (sum: number, value: number) => sum + value * value;
  return Math.sqrt(a.map((value, i) => value - (b[i] as number)).reduce(square, 0) / b.reduce(square, 0));
}

const CHATGLM = ['chatglm-6b', 'chatglm2-6b', 'chatglm3-6b', 'codegeex2-6b'];
const CASES = CHATGLM.flatMap((family) => ([8, 4] as const).map((bits) => [family, bits] as const));

describe.each<readonly [string, Bits]>([...CASES, ['glm-130b', 8], ['glm-130b', 4]])('%s, INT%d', (family, bits) => {
  const changes = family === 'glm-130b' ? {} : { quantization_bit: bits };

  it('is the model of floats that it stands for', async () => {
    const { whole, twin } = await quantized(family, bits);
    const folder = await written(family, whole, changes);
    expect((await loadModelFolder(folder)).bits).toBe(bits);
    const wanted = await logitsOf(await written(family, twin, {}), family, { precision: 'float32' });
    expect(await logitsOf(folder, family, { precision: 'float32' })).toEqual(wanted);
    // In its own precision activations, embedding and head take 8 bits as well.
    expect(distance(await logitsOf(folder, family), wanted)).toBeLessThan(0.1);
    const golden = await logitsOf(goldenPath(family), family, { precision: 'float32' });
    expect(distance(golden, wanted)).toBeGreaterThan(1e-4);
  });
});

describe('the files that were published', () => {
  it('is a pytorch_model.bin with bytes as they lie', async () => {
    const { whole } = await quantized('chatglm-6b', 4);
    const changes = { quantization_bit: 4, quantization_embeddings: false, pre_seq_len: null };
    const torch = await written('chatglm-6b', whole, changes, true);
    const safe = await written('chatglm-6b', whole, changes);
    expect(await logitsOf(torch, 'chatglm-6b')).toEqual(await logitsOf(safe, 'chatglm-6b'));
  });

  it('may have scales of bfloat16', async () => {
    const { whole } = await quantized('codegeex2-6b', 4);
    const narrow = new Map(whole);
    for (const [name, { dtype, bytes, ...plan }] of whole) {
      if (!name.endsWith('_scale')) continue;
      const values = floatsOf(bytes, dtype).map((value) => Math.fround(2 ** Math.round(Math.log2(value))));
      narrow.set(name, { ...plan, dtype: 'BF16', bytes: bytesOf(float32ToBfloat16(values)) });
      whole.set(name, { ...plan, dtype: 'F16', bytes: bytesOf(float32ToFloat16(values)) });
    }
    const changes = { quantization_bit: 4 };
    const found = await logitsOf(await written('codegeex2-6b', narrow, changes), 'codegeex2-6b');
    expect(found).toEqual(await logitsOf(await written('codegeex2-6b', whole, changes), 'codegeex2-6b'));
  });

  it('must hold what config.json says', async () => {
    const { whole } = await quantized('chatglm2-6b', 8);
    await expect(loadModelFolder(await written('chatglm2-6b', whole, { quantization_bit: 4 }))).rejects.toThrow(
      'transformer.encoder.layers.0.self_attention.query_key_value.weight must be stored in 4 bits by config.json ("quantization_bit"), but it has 8 bits.',
    );
    const plain = join(home, 'plain');
    mkdirSync(plain);
    cpSync(goldenPath('chatglm2-6b/model.safetensors'), join(plain, 'model.safetensors'));
    const keys = JSON.parse(readFileSync(goldenPath('chatglm2-6b/config.json'), 'utf8'));
    writeFileSync(join(plain, 'config.json'), JSON.stringify({ ...keys, quantization_bit: 8 }));
    await expect(loadModelFolder(plain)).rejects.toThrow('must be stored in 8 bits by config.json');
  });
});
