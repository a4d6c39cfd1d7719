/** PyTorch checkpoints: what is read of them, and that nothing else is. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { openTorchFile } from '../../../engine/checkpoint/torch-file.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { global, integer, statePickle, type TorchTensor, tensorPickle, text, torchFile, zip } from './torch-writer.ts';

const golden = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'cloze-torch-'));
afterAll(() => rmSync(home, { recursive: true }));

let files = 0;
function written(bytes: Uint8Array): string {
  const path = join(home, `${files++}.bin`);
  writeFileSync(path, bytes);
  return path;
}

const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const floats = (bytes: Uint8Array<ArrayBuffer>) => [...new Float32Array(bytes.buffer)];
const SIX = bytesOf(1, 2, 3, 4, 5, 6);
const six = (changes: Partial<TorchTensor> = {}): Buffer =>
  tensorPickle({ type: 'FloatStorage', key: '0', length: 6, shape: [2, 3], ...changes });
const fileOf = (pickle: Buffer, storages: Record<string, Uint8Array> = { 0: SIX }) =>
  written(torchFile(pickle, storages));

describe.each([{ zip64: false }, { zip64: true }])('an archive with $zip64 zip64', (options) => {
  it('gives tensors that share a storage, begin within it and are transposed', async () => {
    const pickle = statePickle({
      whole: six(),
      turned: six({ shape: [3, 2], strides: [1, 3] }),
      column: six({ shape: [2], strides: [3], offset: 1 }),
      row: six({ shape: [1, 3], strides: [9, 1], offset: 3 }),
      scalar: six({ shape: [], offset: 5 }),
      none: six({ shape: [0, 4] }),
      small: tensorPickle({ type: 'CharStorage', key: 'i8', length: 4, shape: [2, 2], strides: [1, 2] }),
    });
    const file = await openTorchFile(written(torchFile(pickle, { 0: SIX, i8: Uint8Array.of(1, 2, 255, 4) }, options)));
    const read = async (name: string) => floats(await file.read(name));
    expect(await read('whole')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await read('turned')).toEqual([1, 4, 2, 5, 3, 6]);
    expect(await read('column')).toEqual([2, 5]);
    expect(await read('row')).toEqual([4, 5, 6]);
    expect(await read('scalar')).toEqual([6]);
    expect(await read('none')).toEqual([]);
    expect([...(await file.read('small'))]).toEqual([1, 255, 2, 4]);
    expect(file.tensors.get('small')).toEqual({ name: 'small', dtype: 'I8', shape: [2, 2] });
    await expect(file.read('other')).rejects.toThrow(/there is no tensor "other"/);
    await file.close();
  });
});

it.each([
  ['FloatStorage', 'F32', 4],
  ['HalfStorage', 'F16', 2],
  ['BFloat16Storage', 'BF16', 2],
  ['CharStorage', 'I8', 1],
  ['ByteStorage', 'U8', 1],
  ['LongStorage', 'I64', 8],
])('%s is %s', async (type, dtype, width) => {
  const pickle = statePickle({ t: tensorPickle({ type, key: 'k', length: 3, shape: [3] }) });
  const data = Uint8Array.from({ length: 3 * width }, (_, index) => index);
  const file = await openTorchFile(fileOf(pickle, { k: data }));
  expect(file.tensors.get('t')).toEqual({ name: 't', dtype, shape: [3] });
  expect(await file.read('t')).toEqual(data);
  await file.close();
});

it('a model in two .bin shards is the model in safetensors', async () => {
  const folder = mkdtempSync(join(home, 'model-'));
  cpSync(golden('glm4-hf/config.json'), join(folder, 'config.json'));
  const whole = await openSafetensors(golden('glm4-hf/model.safetensors'));
  const map: Record<string, string> = {};
  for (const part of [0, 1]) {
    const name = `pytorch_model-0000${part + 1}-of-00002.bin`;
    const values: Record<string, Buffer> = {};
    const storages: Record<string, Uint8Array> = {};
    const tensors = [...whole.tensors.values()].filter((_, index) => index % 2 === part);
    for (const [key, tensor] of tensors.entries()) {
      const length = tensor.shape.reduce((product, size) => product * size, 1);
      values[tensor.name] = tensorPickle({ type: 'FloatStorage', key: `${key}`, length, shape: tensor.shape });
      storages[key] = await whole.read(tensor.name);
      map[tensor.name] = name;
    }
    writeFileSync(join(folder, name), torchFile(statePickle(values), storages));
  }
  await whole.close();
  writeFileSync(join(folder, 'pytorch_model.bin.index.json'), JSON.stringify({ weight_map: map }));
  const [bin, single] = [await loadModelFolder(folder), await loadModelFolder(golden('glm4-hf'))];
  const expected = single.tensors();
  for await (const tensor of bin.tensors()) expect(tensor).toEqual((await expected.next()).value);
  expect((await expected.next()).done).toBe(true);
});

describe('what is refused', () => {
  const call = (callable: Buffer) =>
    statePickle({ t: Buffer.concat([callable, Buffer.from('('), text('id'), Buffer.from('tR')]) });
  const cases: [string, () => Buffer, RegExp][] = [
    ['os.system', () => torchFile(call(global('os', 'system')), {}), /asks for "os\.system", which is refused/],
    ['builtins.eval', () => torchFile(call(global('builtins', 'eval')), {}), /"builtins\.eval"/],
    [
      'a global by the newer opcode',
      () => torchFile(call(Buffer.concat([text('os'), text('system'), Buffer.from([0x93])])), {}),
      /"os\.system"/,
    ],
    [
      'an old instance opcode',
      () => torchFile(Buffer.from('(X\x01\0\0\0aios\nsystem\n.', 'latin1'), {}),
      /opcode 0x69 at byte 7/,
    ],
    [
      'OrderedDict with arguments',
      () => torchFile(call(global('collections', 'OrderedDict')), {}),
      /with what it does not take/,
    ],
    [
      'a storage type that is called',
      () => torchFile(call(global('torch', 'FloatStorage')), {}),
      /with what it does not take/,
    ],
    [
      'state of a tensor',
      () => torchFile(statePickle({ t: Buffer.concat([six(), Buffer.from('}b')]) }), { 0: SIX }),
      /state of an object/,
    ],
    ['a training state', () => torchFile(statePickle({ epoch: integer(3) }), {}), /"epoch" is not a tensor/],
    ['a million empty lists', () => torchFile(Buffer.alloc(1_100_000, ']'), {}), /more than 1048576 opcodes/],
    ['a list', () => torchFile(Buffer.from('\x80\x02].', 'latin1'), {}), /not a dictionary of tensors/],
    ['nothing', () => torchFile(Buffer.from('.'), {}), /takes a value that is not there/],
    ['a pickle that ends early', () => torchFile(statePickle({ t: six() }).subarray(0, -1), { 0: SIX }), /cut short/],
    [
      'a storage that is missing',
      () => torchFile(statePickle({ t: six() }), {}),
      /"t" lies in data\/0, which is missing/,
    ],
    [
      'a storage of another size',
      () => torchFile(statePickle({ t: six() }), { 0: bytesOf(1) }),
      /of 4 bytes, but 24 were promised/,
    ],
    [
      'an offset beyond',
      () => torchFile(statePickle({ t: six({ offset: 1 }) }), { 0: SIX }),
      /leaves its storage of 6 elements/,
    ],
    ['strides beyond', () => torchFile(statePickle({ t: six({ strides: [4, 1] }) }), { 0: SIX }), /leaves its storage/],
    [
      'a negative stride',
      () => torchFile(statePickle({ t: six({ strides: [3, -1 >>> 0] }) }), { 0: SIX }),
      /no proper offset/,
    ],
    [
      'one element repeated a million times',
      () => torchFile(statePickle({ t: six({ shape: [1e6], strides: [0] }) }), { 0: SIX }),
      /more elements than the 6 of its storage/,
    ],
    ['compression', () => zip({ 'a/data.pkl': statePickle({}) }, { method: 8 }), /is compressed/],
    ['no pickle', () => zip({ 'a/version': Buffer.from('3') }), /no data\.pkl/],
    ['big endian', () => zip({ 'data.pkl': statePickle({}), byteorder: Buffer.from('big') }), /stored big endian/],
    [
      'an archive cut short',
      () => torchFile(statePickle({ t: six() }), { 0: SIX }).subarray(0, -30),
      /directory of a zip archive is missing/,
    ],
    ['a checkpoint of an old PyTorch', () => Buffer.from(`\x80\x02${'.'.repeat(40)}`, 'latin1'), /before version 1\.6/],
    ['something else', () => Buffer.alloc(100), /not a PyTorch checkpoint/],
  ];
  it.each(cases)('%s', async (_, bytes, message) => {
    const path = written(bytes());
    await expect(openTorchFile(path)).rejects.toThrow(message);
    await expect(openTorchFile(path)).rejects.toThrow(path);
  });
});
