import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { addModel, chosenFolder, readRegistry, removeModel, setDefault } from '../../../engine/installed/registry.ts';
import { randomModel } from '../fit/random-model.ts';

async function places() {
  const data = mkdtempSync(join(tmpdir(), 'cloze-registry-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  const folder = await randomModel(data, { layers: 1, hiddenSize: 64, innerSize: 128, heads: 2, vocabSize: 100 });
  return { data, folder };
}

it('an added model is found by its name, as a default by its task, and its folder outlives it', async () => {
  const { data, folder } = await places();
  await addModel(data, folder, { name: 'mine', own: false });
  await setDefault(data, 'mine', ['serve']);
  expect(await chosenFolder(data, 'mine', 'fill', '/embedded')).toBe(folder);
  expect(await chosenFolder(data, undefined, 'serve', '/embedded')).toBe(folder);
  expect(await chosenFolder(data, undefined, 'fill', '/embedded')).toBe('/embedded');
  expect(await chosenFolder(data, '/some/folder', 'fill', '/embedded')).toBe('/some/folder');
  await removeModel(data, 'mine');
  expect(existsSync(folder)).toBe(true);
  expect(await readRegistry(data)).toEqual({ models: [], defaults: {} });
});

it('says what is wrong', async () => {
  const { data, folder } = await places();
  await addModel(data, folder, { name: 'mine', own: false });
  await expect(addModel(data, folder, { name: 'mine', own: false })).rejects.toThrow('a model "mine" already');
  await expect(addModel(data, folder, { name: '../x', own: false })).rejects.toThrow('no name for a model');
  await expect(addModel(data, data, { name: 'other', own: false })).rejects.toThrow('config.json does not exist');
  await expect(removeModel(data, 'yours')).rejects.toThrow('no model "yours" installed; there are: mine');
  writeFileSync(join(data, 'models.json'), '{');
  await expect(readRegistry(data)).rejects.toThrow('models.json is damaged');
});
