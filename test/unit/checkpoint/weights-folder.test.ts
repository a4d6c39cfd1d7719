import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openSafetensors, writeSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { openWeightsFolder } from '../../../engine/checkpoint/weights-folder.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';

const golden = (path: string) => fileURLToPath(new URL(`../../fixtures/golden/${path}`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'cloze-shards-'));
afterAll(() => rmSync(home, { recursive: true }));

const INDEX = 'model.safetensors.index.json';
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
type Shards = Record<string, Record<string, number[]>>;
const SHARDS: Shards = { [FIRST]: { a: [1, 2], b: [3] }, [SECOND]: { c: [4], d: [5, 6, 7] } };
const MAP = { a: FIRST, b: FIRST, c: SECOND, d: SECOND };

/** A folder with these shards of bytes and an index that holds `map`, or exactly `index`. */
async function folderOf(shards: Shards, map: unknown, index?: string): Promise<string> {
  const folder = mkdtempSync(join(home, 'folder-'));
  for (const [file, tensors] of Object.entries(shards)) {
    const plans = Object.entries(tensors).map(
      ([name, { length }]) => ({ name, dtype: 'U8', shape: [length] }) as const,
    );
    await writeSafetensors(join(folder, file), plans, (name) => Uint8Array.from(tensors[name] as number[]), { file });
  }
  writeFileSync(join(folder, INDEX), index ?? JSON.stringify({ metadata: { total_size: 7 }, weight_map: map }));
  return folder;
}

describe('reading', () => {
  it('finds each tensor in its shard', async () => {
    const folder = await folderOf(SHARDS, MAP);
    const file = await openWeightsFolder(folder);
    expect(file.path).toBe(join(folder, INDEX));
    expect([...file.tensors.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    for (const tensors of Object.values(SHARDS)) {
      for (const [name, bytes] of Object.entries(tensors)) expect([...(await file.read(name))]).toEqual(bytes);
    }
    expect(() => file.read('e')).toThrow(/there is no tensor "e"/);
    await file.close();
  });

  it('takes model.safetensors where there is one, and links as a download cache makes them', async () => {
    const folder = await folderOf(SHARDS, MAP);
    const linked = mkdtempSync(join(home, 'linked-'));
    for (const file of [FIRST, SECOND, INDEX]) symlinkSync(join(folder, file), join(linked, file));
    const shards = await openWeightsFolder(linked);
    expect([...(await shards.read('d'))]).toEqual([5, 6, 7]);
    await shards.close();
    cpSync(join(folder, FIRST), join(folder, 'model.safetensors'));
    const single = await openWeightsFolder(folder);
    expect([...single.tensors.keys()]).toEqual(['a', 'b']);
    await single.close();
  });

  it('loads a model in shards as it loads the same model in one file', async () => {
    const folder = mkdtempSync(join(home, 'model-'));
    cpSync(golden('glm4-hf/config.json'), join(folder, 'config.json'));
    const whole = await openSafetensors(golden('glm4-hf/model.safetensors'));
    const map: Record<string, string> = {};
    // Every second tensor in the other file: queries, keys and values of a layer lie apart.
    for (const [index, file] of [FIRST, SECOND].entries()) {
      const plans = [...whole.tensors.values()].filter((_, tensor) => tensor % 2 === index);
      for (const { name } of plans) map[name] = file;
      await writeSafetensors(join(folder, file), plans, (name) => whole.read(name));
    }
    await whole.close();
    writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: map }));
    const [sharded, single] = [await loadModelFolder(folder), await loadModelFolder(golden('glm4-hf'))];
    const expected = single.tensors();
    for await (const tensor of sharded.tensors()) expect(tensor).toEqual((await expected.next()).value);
    expect((await expected.next()).done).toBe(true);
  });
});

describe('what is wrong with an index', () => {
  const outside = [
    '../a.safetensors',
    '/etc/a.safetensors',
    'sub/a.safetensors',
    '..\\a.safetensors',
    'C:a.safetensors',
  ];
  const names = [...outside, 'a\u0000.safetensors', '.safetensors\n', 'pytorch_model.bin', '', 7, null, [FIRST]];
  it.each(names)('a tensor in %j', async (file) => {
    const folder = await folderOf(SHARDS, { ...MAP, d: file });
    await expect(openWeightsFolder(folder)).rejects.toThrow(
      `${join(folder, INDEX)}: tensor "d" must lie in a .safetensors file of the same folder, not in ${JSON.stringify(file)}.`,
    );
  });

  const maps: [string, Shards, unknown, RegExp][] = [
    [
      'a shard that is missing',
      { [FIRST]: { a: [1] } },
      { a: FIRST, b: SECOND },
      /00002-of-00002.safetensors does not exist, but model.safetensors.index.json names it/,
    ],
    [
      'a tensor that no shard has',
      SHARDS,
      { ...MAP, e: FIRST },
      /tensor "e" is said to be in model-00001-of-00002.safetensors, but it is not there/,
    ],
    [
      'a tensor of another shard',
      SHARDS,
      { ...MAP, a: SECOND },
      /00001-of-00002.safetensors: tensor "a" belongs to model-00002-of-00002.safetensors by .*, but it is also here/,
    ],
    [
      'a tensor that is not listed',
      SHARDS,
      { a: FIRST, c: SECOND, d: SECOND },
      /00001-of-00002.safetensors: tensor "b" is not listed/,
    ],
    [
      'a tensor in two shards',
      { ...SHARDS, [SECOND]: { ...SHARDS[SECOND], a: [9, 9] } },
      MAP,
      /00002-of-00002.safetensors: tensor "a" belongs to model-00001-of/,
    ],
    ['a tensor known to every object', SHARDS, { ...MAP, toString: FIRST }, /tensor "toString" is said to be in/],
    ['no map', SHARDS, undefined, /"weight_map" must be an object/],
    ['a list', SHARDS, [FIRST], /"weight_map" must be an object/],
    [
      'too many shards',
      {},
      Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`t${i}`, `${i}.safetensors`])),
      /1001 shards are more than the 1000/,
    ],
  ];
  it.each(maps)('%s', async (_, shards, map, message) => {
    const folder = await folderOf(shards, map);
    await expect(openWeightsFolder(folder)).rejects.toThrow(message);
    await expect(openWeightsFolder(folder)).rejects.toThrow(folder);
  });

  const texts: [string, string, RegExp][] = [
    ['no JSON', '{"weight_map": {', /is not JSON/],
    ['no object', '[]', /"weight_map" must be an object/],
    ['a tensor listed twice', `{"weight_map":{"a":"${FIRST}","\\u0061":"${SECOND}"}}`, /names "a" twice/],
    ['two maps', '{"weight_map":{},"weight_map":{}}', /names "weight_map" twice/],
  ];
  it.each(texts)('%s', async (_, text, message) => {
    await expect(folderOf(SHARDS, MAP, text).then(openWeightsFolder)).rejects.toThrow(message);
  });

  it('shards that are damaged, and every cut and changed byte of the index', async () => {
    const folder = await folderOf(SHARDS, MAP);
    const shard = readFileSync(join(folder, SECOND));
    writeFileSync(join(folder, SECOND), shard.subarray(0, -1));
    await expect(openWeightsFolder(folder)).rejects.toThrow(/00002-of-00002.safetensors: .*cut short/);
    writeFileSync(join(folder, SECOND), shard);
    const text = readFileSync(join(folder, INDEX));
    for (let at = text.indexOf('weight_map'); at < text.length; at++) {
      for (const mutated of [text.subarray(0, at), Buffer.from(text.map((byte, i) => (i === at ? byte ^ 1 : byte)))]) {
        writeFileSync(join(folder, INDEX), mutated);
        await expect(openWeightsFolder(folder)).rejects.toThrow(folder);
      }
    }
  });

  it('a folder without weights', async () => {
    const folder = mkdtempSync(join(home, 'empty-'));
    await expect(openWeightsFolder(folder)).rejects.toThrow(/model.safetensors does not exist. A model folder holds/);
  });
});
