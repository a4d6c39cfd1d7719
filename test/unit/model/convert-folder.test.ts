/** `cloze convert`: parts of a training run and back, to the bit; each part by the rules of GLM's own tools. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSafetensors, writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { openTorchFile } from '../../../engine/checkpoint/torch-file.ts';
import { convertCommand } from '../../../engine/cli/convert.ts';
import { convertFolder } from '../../../engine/model/convert-folder.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { quantizeFolder } from '../../../engine/model/quantize-folder.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import { verifyCase } from '../../../engine/verification/verify.ts';
import { statePickle, tensorPickle, torchFile } from '../checkpoint/torch-writer.ts';
import { goldenCases, goldenPath } from '../native/golden.ts';

const DENSE = 'transformer.layers.0.attention.dense.weight';
const work = mkdtempSync(join(tmpdir(), 'cloze-convert-'));
afterAll(() => rmSync(work, { recursive: true }));
let made = 0;
const fresh = () => join(work, `model-${made++}`);
const shard = (folder: string, part: number) => join(folder, '1', `mp_rank_0${part}_model_states.pt`);

async function safetensorsIn(folder: string): Promise<Map<string, { dtype: string; shape: number[]; bytes: Buffer }>> {
  const file = await openSafetensors(join(folder, 'model.safetensors'));
  const all = new Map();
  for (const { name, dtype, shape } of file.tensors.values())
    all.set(name, { dtype, shape, bytes: Buffer.from(await file.read(name)) });
  await file.close();
  return all;
}

async function digestsIn(folder: string): Promise<Map<string, string>> {
  const digests = [...(await safetensorsIn(folder))].map(([name, { dtype, shape, bytes }]) => {
    return [name, `${dtype} ${shape} ${createHash('sha256').update(bytes).digest('hex')}`] as const;
  });
  return new Map(digests.sort());
}

async function sharded(family: string, parts: number): Promise<string> {
  const out = fresh();
  await convertFolder(goldenPath(family), out, { to: 'sat', parts });
  return out;
}

/** Values of a tensor of a part. */
async function floats(path: string, name: string): Promise<Float32Array> {
  const file = await openTorchFile(path);
  const bytes = await file.read(name);
  await file.close();
  return new Float32Array(bytes.buffer);
}

describe('cloze convert', { timeout: 30_000 }, () => {
  it.each([
    ['glm-130b', 1],
    ['glm-130b', 2],
    ['glm-130b', 4],
    ['glm-130b/f16', 2],
    ['glm-2021', 4],
  ])('%s in %d parts and back is the same to the bit', async (family, parts) => {
    const source = fresh();
    cpSync(goldenPath(family), source, { recursive: true });
    cpSync(goldenPath(`${family.split('/')[0]}/config.json`), join(source, 'config.json'));
    const [split, back] = [fresh(), fresh()];
    await convertCommand([source, '--to', 'sat', '--tensor-parallel', String(parts), '--out', split]);
    expect(readdirSync(join(split, '1'))).toHaveLength(parts);
    expect(readFileSync(join(split, 'latest'), 'utf8')).toBe('1');
    await convertCommand([split, '--to', 'hf', '--out', back]);
    expect(await digestsIn(back)).toEqual(await digestsIn(source));
    const keysOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect(keysOf(back)).toEqual(keysOf(source));
    if (family === 'glm-130b') expect(keysOf(split).model_parallel_size).toBe(parts);
  });

  it.each(['glm-130b', 'glm-2021'])('%s runs from its parts as recorded', async (family) => {
    const runtime = await openNativeRuntime(await loadModelFolder(await sharded(family, 2)), {
      precision: 'float32',
      threads: 1,
    });
    const [record] = goldenCases(`${family}/cases.json`).filter(({ logits }) => logits.length > 0);
    const { fault } = await verifyCase(runtime, record as NonNullable<typeof record>, 2e-3);
    expect(fault).toBeUndefined();
    runtime.dispose();
  });

  it('splits GLM-130B as convert_tp.py does: whole heads, both halves of a GeGLU, columns', async () => {
    const out = await sharded('glm-130b', 2);
    const all = await safetensorsIn(goldenPath('glm-130b'));
    const values = (name: string) => {
      const { bytes, shape } = all.get(name) as { bytes: Buffer; shape: number[] };
      const floats = new Float32Array(new Uint8Array(bytes).buffer);
      const columns = shape[1] ?? 1;
      return Array.from({ length: shape[0] as number }, (_, row) => [
        ...floats.subarray(row * columns, (row + 1) * columns),
      ]);
    };
    const at = 'transformer.layers.1';
    const part = async (name: string) => [...(await floats(shard(out, 1), name))];
    const [C, F] = [64, 168];
    const qkv = `${at}.attention.query_key_value.weight`;
    expect(await part(qkv)).toEqual(
      values(qkv)
        .slice((3 * C) / 2)
        .flat(),
    );
    const up = `${at}.mlp.dense_h_to_4h.weight`;
    expect(await part(up)).toEqual([...values(up).slice(F / 2, F), ...values(up).slice(F + F / 2)].flat());
    const bias = `${at}.mlp.dense_h_to_4h.bias`;
    expect(await part(bias)).toEqual([...values(bias).slice(F / 2, F), ...values(bias).slice(F + F / 2)].flat());
    const down = `${at}.mlp.dense_4h_to_h.weight`;
    expect(await part(down)).toEqual(values(down).flatMap((row) => row.slice(F / 2)));
    const dense = `${at}.attention.dense.weight`;
    expect(await part(dense)).toEqual(values(dense).flatMap((row) => row.slice(C / 2)));
    for (const whole of [`${at}.attention.dense.bias`, `${at}.mlp.dense_4h_to_h.bias`, `${at}.input_layernorm.weight`])
      expect(await part(whole)).toEqual(values(whole).flat());
    const words = 'transformer.word_embeddings.weight';
    expect(await part(words)).toEqual(values(words).slice(84).flat());
  });

  it('splits each third of the queries, keys and values of GLM 2021', async () => {
    const out = await sharded('glm-2021', 4);
    const name = 'transformer.layers.0.attention.query_key_value.bias';
    const all = await safetensorsIn(goldenPath('glm-2021'));
    const source = [...all.keys()].find((key) => key.endsWith(name)) as string;
    const whole = new Float32Array(new Uint8Array((all.get(source) as { bytes: Buffer }).bytes).buffer);
    const wanted = [0, 64, 128].flatMap((third) => [...whole.subarray(third + 32, third + 48)]);
    expect([...(await floats(shard(out, 2), name))]).toEqual(wanted);
  });

  it('takes the prefix of save_pretrained away in parts, and quantises from parts', async () => {
    const prefixed = fresh();
    cpSync(goldenPath('glm-2021'), prefixed, { recursive: true });
    const tensors = await safetensorsIn(goldenPath('glm-2021'));
    const named = new Map([...tensors].map(([name, tensor]) => [`glm.${name.replace(/^glm\./, '')}`, tensor]));
    const plans = [...named].map(([name, { dtype, shape }]) => ({ name, dtype: dtype as 'F32', shape }));
    await writeSafetensors(join(prefixed, 'model.safetensors'), plans, (name) => named.get(name)?.bytes as Buffer);
    const out = fresh();
    await convertFolder(prefixed, out, { to: 'sat', parts: 2 });
    const file = await openTorchFile(shard(out, 0));
    expect([...file.tensors.keys()].some((name) => name.startsWith('glm.'))).toBe(false);
    await file.close();
    const small = fresh();
    await quantizeFolder(await sharded('glm-130b', 2), small, { bits: 8, group: 'row' });
    const straight = fresh();
    await quantizeFolder(goldenPath('glm-130b'), straight, { bits: 8, group: 'row' });
    expect(await digestsIn(small)).toEqual(await digestsIn(straight));
    expect((await loadModelFolder(small)).bits).toBe(8);
  });
});

describe('what convert refuses', () => {
  it('parts that a model cannot be split into, families and precisions', async () => {
    const golden = goldenPath('glm-130b');
    const before = readdirSync(work);
    await expect(convertFolder(golden, fresh(), { to: 'sat', parts: 3 })).rejects.toThrow(
      /heads 4 cannot be split into 3 equal parts/,
    );
    await expect(convertFolder(goldenPath('chatglm2-6b'), fresh(), { to: 'sat', parts: 2 })).rejects.toThrow(
      /of the family chatglm2; SwissArmyTransformer's parts are written of glm-130b and glm-2021 only/,
    );
    await expect(convertCommand([golden, '--to', 'onnx', '--out', fresh()])).rejects.toThrow(/--to takes hf or sat/);
    expect(readdirSync(work)).toEqual(before);
    const small = fresh();
    await quantizeFolder(golden, small, { bits: 8, group: 'row' });
    await expect(convertFolder(small, fresh(), { to: 'sat', parts: 2 })).rejects.toThrow(/is quantised/);
    await expect(convertFolder(golden, small, { to: 'hf' })).rejects.toThrow(/exists already/);
  });

  it('parts that are missing, of another shape, or outside the folder', async () => {
    const gap = await sharded('glm-130b', 4);
    renameSync(shard(gap, 1), shard(gap, 7));
    await expect(loadModelFolder(gap)).rejects.toThrow(/mp_rank_01_model_states.pt is missing/);
    const few = await sharded('glm-130b', 4);
    for (const part of [2, 3]) rmSync(shard(few, part));
    await expect(loadModelFolder(few)).rejects.toThrow(/the 2 parts of tensor .* must have .* by config.json/);
    const other = await sharded('glm-130b', 2);
    cpSync(shard(await sharded('glm-130b', 4), 1), shard(other, 1));
    await expect(loadModelFolder(other)).rejects.toThrow(
      /mp_rank_01.*: tensor .* must be F32 \[.*\] as in .*mp_rank_00/,
    );
    for (const name of ['../elsewhere', '..', '/tmp', '', 'a/b', 'x'.repeat(200)]) {
      writeFileSync(join(few, 'latest'), name);
      await expect(loadModelFolder(few)).rejects.toThrow(/latest must hold the name of a folder beside it/);
    }
  });

  it('quantised parts, which have scales of their own', async () => {
    const folder = fresh();
    mkdirSync(join(folder, '1'), { recursive: true });
    cpSync(goldenPath('glm-130b/config.json'), join(folder, 'config.json'));
    writeFileSync(join(folder, 'latest'), '1');
    const tensor = tensorPickle({ type: 'CharStorage', key: '0', length: 4, shape: [2, 2] });
    const bytes = torchFile(statePickle({ [DENSE]: tensor }), { 0: new Uint8Array(4) });
    for (const part of [0, 1]) writeFileSync(shard(folder, part), bytes);
    await expect(loadModelFolder(folder)).rejects.toThrow(
      `tensor ${DENSE} is quantised, each part with scales of its own`,
    );
  });
});
