/** Which model is used where: switching, going back, and the bond to the base's weights. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { compare } from '../../../engine/tuning/comparison.ts';
import {
  inUse,
  listTuned,
  modelFolderOf,
  projectHome,
  rollBack,
  type TunedModel,
  tunedModelAt,
  useTuned,
} from '../../../engine/tuning/tuned-models.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'cloze-tuned-')));
afterAll(() => rmSync(root, { recursive: true }));

const base = join(root, 'base');
mkdirSync(base);
writeFileSync(join(base, 'model.safetensors'), 'weights');
const sha256 = createHash('sha256').update('weights').digest('hex');

let tuned: string;
let project: string;
let home: string;

beforeEach(async () => {
  const place = mkdtempSync(join(root, 't-'));
  tuned = join(place, 'tuned');
  project = join(place, 'project');
  mkdirSync(join(project, 'src'), { recursive: true });
  home = await projectHome(tuned, project);
});

function add(number: number, change: { usable?: boolean; sha256?: string } = {}): void {
  const comparison = compare([], [], 1);
  const comparisons = { project: comparison, guard: comparison };
  const usable = change.usable ?? true;
  const verdict = { usable, reasons: usable ? [] : ['It was worse.'] };
  const model: TunedModel = {
    format: 'cloze-tuned',
    version: 2,
    number,
    project,
    made: '2026-01-01T00:00:00.000Z',
    base: { name: 'base', sha256: change.sha256 ?? sha256 },
    seed: 1,
    seconds: 1,
    files: { train: 1, choice: [], heldOut: [] },
    memory: { files: 1, characters: 1, bytes: 6, comparisons, verdict },
    comparisons,
    verdict,
  };
  mkdirSync(modelFolderOf(home, number), { recursive: true });
  writeFileSync(join(home, String(number), 'tuned.json'), JSON.stringify(model));
}

const at = (path: string) => tunedModelAt(tuned, path, base);

describe('a tuned model', () => {
  it('is used in its project, from when it is chosen', async () => {
    add(1);
    expect(await at(project)).toBeUndefined();
    await useTuned(home, project, 1, sha256);
    expect(await at(project)).toBe(modelFolderOf(home, 1));
    writeFileSync(join(project, 'src/a.ts'), '');
    expect(await at(join(project, 'src/a.ts'))).toBe(modelFolderOf(home, 1));
    expect(await at(join(project, '..'))).toBeUndefined();
    expect(await at(join(project, 'nowhere'))).toBeUndefined();
  });

  it('gives way to the one used before, and in the end to the model that ships', async () => {
    for (const number of [1, 2, 10]) add(number);
    for (const number of [2, 1, 1, 10]) await useTuned(home, project, number, sha256);
    expect((await listTuned(home)).map(({ number }) => number)).toEqual([1, 2, 10]);
    expect(await inUse(home)).toBe(10);
    expect(await rollBack(home, project)).toBe(1);
    expect(await at(project)).toBe(modelFolderOf(home, 1));
    expect(await rollBack(home, project)).toBe(2);
    expect(await rollBack(home, project)).toBe(0);
    expect(await at(project)).toBeUndefined();
    await expect(rollBack(home, project)).rejects.toThrow(/nothing to go back from/);
  });

  it('is refused where it was not better, is not there, or has another base', async () => {
    add(1, { usable: false });
    add(2, { sha256: '0'.repeat(64) });
    await expect(useTuned(home, project, 1, sha256)).rejects.toThrow(/not switched on. It was worse/);
    await expect(useTuned(home, project, 2, sha256)).rejects.toThrow(/Tune again/);
    await expect(useTuned(home, project, 3, sha256)).rejects.toThrow(/There are: 1, 2\./);
    expect(await inUse(home)).toBe(0);
  });

  it('is no longer used when the base’s weights are others, or its folder is gone', async () => {
    add(1);
    await useTuned(home, project, 1, sha256);
    const other = join(root, 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'model.safetensors'), 'new weights');
    expect(await tunedModelAt(tuned, project, other)).toBeUndefined();
    rmSync(join(home, '1'), { recursive: true });
    expect(await at(project)).toBeUndefined();
  });

  it('is not found by damaged notes', async () => {
    add(1);
    await useTuned(home, project, 1, sha256);
    for (const damaged of ['{', 'null', '{"history":"1"}', '{"history":["../.."]}']) {
      writeFileSync(join(home, 'in-use.json'), damaged);
      expect(await at(project)).toBeUndefined();
    }
  });
});
