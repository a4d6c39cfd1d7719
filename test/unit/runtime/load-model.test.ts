/** The shipped model's folder, and what is said when one of its files is not what it should be. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../../engine/load-model.ts';

const EMBEDDED = join(process.cwd(), 'engine/embedded-model');
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloze-model-'));
  folders.push(folder);
  cpSync(EMBEDDED, folder, { recursive: true });
  return folder;
}

describe('the shipped model', () => {
  it('loads with its tokenizer', async () => {
    const model = await loadModel(EMBEDDED, { threads: 1 });
    expect(model.tokenizer.vocabSize).toBe(model.runtime.config.vocabSize);
    model.runtime.dispose();
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    ['no weights', (folder) => rmSync(join(folder, 'model.safetensors')), /model\.safetensors does not exist/],
    ['weights cut short', (folder) => truncateSync(join(folder, 'model.safetensors'), 100_000), /model\.safetensors/],
    [
      'no tokenizer',
      (folder) => rmSync(join(folder, 'tokenizer.json')),
      /Cannot read the tokenizer .*Is the model complete/,
    ],
    [
      'a tokenizer of another model',
      (folder) => {
        const path = join(folder, 'tokenizer.json');
        writeFileSync(path, `${readFileSync(path, 'utf8')}\n`);
      },
      /is not the tokenizer that the model was trained with.*Put the file back/,
    ],
    [
      'a configuration that does not fit',
      (folder) => {
        const path = join(folder, 'config.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace(/"num_layers": \d+/, '"num_layers": 40'));
      },
      /tensor transformer\.layers\.\d+\..* is missing/,
    ],
  ])('%s is said', async (_, damage, message) => {
    const folder = copy();
    damage(folder);
    await expect(loadModel(folder)).rejects.toThrow(message);
  });
});

it('a self-test finds weights that overflow', async () => {
  const folder = copy();
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  // The last bytes belong to weights; 0x7fff is no number in float16, nor, twice, in float32.
  for (let at = bytes.length - 4096; at < bytes.length; at += 2) bytes.writeUInt16LE(0x7fff, at);
  writeFileSync(path, bytes);
  await expect(loadModel(folder)).rejects.toThrow(/was loaded, but it cannot fill a blank: .*not finite/);
});
