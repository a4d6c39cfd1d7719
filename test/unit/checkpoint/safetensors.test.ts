import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { writeAtomically, writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { floatsOf, openSafetensors, writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));
const golden = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));

function fileOf(header: string | Uint8Array, data: number | Uint8Array = 0, promised?: number): string {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(promised ?? text.length));
  const path = join(folder, 'made.safetensors');
  writeFileSync(path, Buffer.concat([length, text, typeof data === 'number' ? Buffer.alloc(data) : data]));
  return path;
}

const entry = (dtype: string, shape: unknown, begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('reading', () => {
  it('reads float32 and float16 copies of the same weights alike', async () => {
    const wide = await openSafetensors(golden('glm-130b/model.safetensors'));
    const narrow = await openSafetensors(golden('glm-130b/f16/model.safetensors'));
    expect(wide.metadata).toEqual({ format: 'pt' });
    expect([...narrow.tensors.keys()].sort()).toEqual([...wide.tensors.keys()].sort());
    for (const [name, { dtype, shape }] of wide.tensors) {
      const values = floatsOf(await wide.read(name), dtype);
      expect(values.length).toBe(shape.reduce((x, y) => x * y, 1));
      const halves = narrow.tensors.get(name);
      expect(halves?.dtype).toBe('F16');
      expect(floatsOf(await narrow.read(name), 'F16')).toEqual(values);
    }
    await expect(wide.read('none')).rejects.toThrow(/no tensor "none"/);
    await wide.close();
    await narrow.close();
  });

  const refused: [string, string, number, RegExp][] = [
    ['no JSON', '{"a":', 0, /not JSON/],
    ['no object', '[]', 0, /not a JSON object/],
    [
      'a repeated tensor',
      `{"a":${JSON.stringify(entry('U8', [1], 0, 1))},"\\u0061":${JSON.stringify(entry('U8', [1], 0, 1))}}`,
      1,
      /names "a" twice/,
    ],
    ['a repeated field', '{"a":{"dtype":"U8","shape":[1],"shape":[2],"data_offsets":[0,2]}}', 2, /names "shape" twice/],
    ['an unknown data type', JSON.stringify({ a: entry('Q4', [1], 0, 1) }), 1, /tensor "a" has data type "Q4"/],
    ['a data type from the prototype', JSON.stringify({ a: entry('toString', [1], 0, 1) }), 1, /data type "toString"/],
    ['a negative size', JSON.stringify({ a: entry('U8', [-1], 0, 1) }), 1, /shape \[-1\]/],
    ['a fractional size', JSON.stringify({ a: entry('U8', [1.5], 0, 1) }), 1, /shape \[1.5\]/],
    ['a shape that is text', JSON.stringify({ a: entry('U8', 'ab', 0, 1) }), 1, /not a list of sizes/],
    ['an overflowing shape', JSON.stringify({ a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }), 4, /beyond any file/],
    [
      'a shape larger than its bytes',
      JSON.stringify({ a: entry('F32', [3], 0, 8) }),
      8,
      /takes 12 bytes, but its offsets give 8/,
    ],
    ['reversed offsets', JSON.stringify({ a: entry('U8', [1], 1, 0) }), 1, /offsets give -1/],
    [
      'overlap',
      JSON.stringify({ a: entry('U8', [2], 0, 2), b: entry('U8', [2], 1, 3) }),
      3,
      /"b" lies at bytes 1 to 3 and overlaps/,
    ],
    ['a gap', JSON.stringify({ a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }), 3, /leaving 1 bytes before it/],
    ['a file cut short', JSON.stringify({ a: entry('U8', [9], 0, 9) }), 4, /holds only 4 bytes/],
    ['bytes of no tensor', JSON.stringify({ a: entry('U8', [1], 0, 1) }), 3, /2 bytes at the end/],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0, /__metadata__/],
  ];
  it.each(refused)('refuses %s, naming the file', async (_, header, data, message) => {
    const path = fileOf(header, data);
    await expect(openSafetensors(path)).rejects.toThrow(message);
    await expect(openSafetensors(path)).rejects.toThrow(path);
  });

  it('refuses what is no such file at all', async () => {
    await expect(openSafetensors(fileOf('{}', 0, 2 ** 40))).rejects.toThrow(/promises a header of 1099511627776 bytes/);
    await expect(openSafetensors(fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)))).rejects.toThrow(/not UTF-8/);
    writeFileSync(join(folder, 'tiny'), 'abc');
    await expect(openSafetensors(join(folder, 'tiny'))).rejects.toThrow(/3 bytes are too few/);
    await expect(openSafetensors(join(folder, 'absent'))).rejects.toThrow(/ENOENT/);
  });

  it('takes a name that objects treat specially as any other', async () => {
    const file = await openSafetensors(
      fileOf('{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', Uint8Array.of(7)),
    );
    expect(file.tensors.get('__proto__')?.shape).toEqual([]);
    expect([...(await file.read('__proto__'))]).toEqual([7]);
    await file.close();
  });
});

describe('writing', () => {
  it('is read back the same, data aligned to eight bytes', async () => {
    const path = join(folder, 'out.safetensors');
    const values = Float32Array.of(1, -2.5, 3e-9);
    const parts: Record<string, Uint8Array> = {
      a: new Uint8Array(values.buffer),
      'b/ü': Uint8Array.of(1, 2),
      empty: new Uint8Array(),
    };
    await writeSafetensors(
      path,
      [
        { name: 'a', dtype: 'F32', shape: [3] },
        { name: 'b/ü', dtype: 'BF16', shape: [] },
        { name: 'empty', dtype: 'F32', shape: [0, 4] },
      ],
      (name) => parts[name] as Uint8Array,
      { step: '12' },
    );
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual({ step: '12' });
    expect(floatsOf(await file.read('a'), 'F32')).toEqual(values);
    expect([...(await file.read('b/ü'))]).toEqual([1, 2]);
    expect((await file.read('empty')).byteLength).toBe(0);
    await file.close();
    expect(readFileSync(path).readBigUInt64LE() % 8n).toBe(0n);
  });

  it('keeps the old file and leaves nothing aside when a tensor is wrong or the disk fills up', async () => {
    const home = mkdtempSync(join(folder, 'atomic-'));
    const path = join(home, 'model.safetensors');
    await writeFileAtomically(path, 'old');
    const plan = [{ name: 'a', dtype: 'F32', shape: [2] } as const];
    await expect(writeSafetensors(path, plan, () => new Uint8Array(7))).rejects.toThrow(
      /"a" of F32 \[2\] takes 8 bytes, but 7/,
    );
    await expect(writeSafetensors(path, [...plan, ...plan], () => new Uint8Array(8))).rejects.toThrow(/given twice/);
    const full = writeAtomically(path, async (file) => {
      await file.write('half');
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    });
    await expect(full).rejects.toThrow(/disk is full: .*model.safetensors was not written/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(home)).toEqual(['model.safetensors']);
  });

  it('understands weights only in the float formats', () => {
    expect(() => floatsOf(new Uint8Array(4), 'I8')).toThrow(/I8 are not understood/);
    expect([...floatsOf(Uint8Array.of(9, 0x80, 0x3f).subarray(1), 'BF16')]).toEqual([1]);
  });
});
