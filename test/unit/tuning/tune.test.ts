/** A tiny model tuned on a toy project, whole: better there, the base and the project untouched, the same after a stop. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { loadTokenizer } from '../../../engine/tokenizer/load.ts';
import { pretrain } from '../../../engine/training/pretrain.ts';
import { cursorConfig, RECIPES, type Recipe } from '../../../engine/training/recipes.ts';
import { lockHome } from '../../../engine/tuning/lock.ts';
import { tuningRecipe } from '../../../engine/tuning/recipe.ts';
import { fileCorpus } from '../../../engine/tuning/split.ts';
import { type TuneOptions, tune } from '../../../engine/tuning/tune.ts';
import { listTuned, modelFolderOf, projectHome } from '../../../engine/tuning/tuned-models.ts';
import { code } from './code.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const home = mkdtempSync(join(tmpdir(), 'cloze-tune-'));
afterAll(() => rmSync(home, { recursive: true }));

const project = join(home, 'project');
mkdirSync(project);
const git = (...args: string[]) => {
  const env = { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: home };
  execFileSync('git', ['-C', project, '-c', 'user.name=n', '-c', 'user.email=e@x', ...args], { env });
};
git('init', '-q');
// Each commit adds a function to every file.
for (let functions = 3; functions <= 5; functions++) {
  for (let index = 0; index < 24; index++) {
    const parts = code(index).split(/(?<=\n\n)/);
    writeFileSync(join(project, `part${index}.ts`), parts.slice(0, functions).join(''));
  }
  git('add', '-A');
  git('commit', '-q', '-m', 'change');
}

const SHIPPED = 'engine/embedded-model';
const execution = { level: '', threads: 1, precision: 'float32' as const };
const base = join(home, 'base', 'model');
const { tokenizer, sha256 } = await loadTokenizer(join(SHIPPED, 'tokenizer.json'));
const general = fileCorpus(
  [{ path: 'a.ts', language: 'typescript', text: readFileSync('engine/training/pretrain.ts', 'utf8') }],
  tokenizer,
  'p',
);
await pretrain({
  recipe: {
    ...(RECIPES['cursor-5m'] as Recipe),
    name: 'tiny',
    stepTokens: 1000,
    config: cursorConfig({ layers: 1, hiddenSize: 32, innerSize: 32, heads: 1 }, 'pre'),
  },
  run: join(home, 'base'),
  tokenizer,
  tokenizerFolder: SHIPPED,
  tokenizerSha256: sha256,
  corpus: general,
  heldOut: general,
  seed: 1,
  tokens: 4000,
  resume: false,
  execution,
  saveEvery: 1e9,
});
const baseBytes = readFileSync(join(base, 'model.safetensors'));

const options: TuneOptions = {
  project,
  tuned: join(home, 'tuned'),
  base,
  budget: { tokens: 80_000 },
  method: 'full',
  rate: 1e-2,
  seed: 1,
  tasks: 8,
  guardFolders: [],
  threads: 1,
  level: '',
};
const first = await tune(options);
const tunedHome = await projectHome(options.tuned, project);
const weightsOf = (number: number) => readFileSync(join(modelFolderOf(tunedHome, number), 'model.safetensors'));

describe('tuning', () => {
  it('remembers what files that it has not seen are like, and judges that apart from what was trained', () => {
    expect(first.weights?.curve.length).toBeGreaterThan(1);
    // Two functions of each file that is trained on.
    expect(first.weights?.written).toBe(2 * first.files.train);
    expect(first.weights?.bytes).toBeGreaterThan(1e6);
    expect(first.verdict.usable).toBe(first.memory.verdict.usable || first.weights?.verdict.usable === true);
    expect(first.comparisons.project.tasks).toBe(32);
    expect(first.memory.comparisons.project.bitsPerByte.change.high).toBeLessThan(0);
    expect(first.comparisons.guard.tasks).toBe(16);
    expect(first.files.heldOut.length).toBeGreaterThanOrEqual(3);
    expect(first.files.choice.length).toBeGreaterThanOrEqual(1);
    expect(first.files.train + first.files.choice.length + first.files.heldOut.length).toBe(24);
  });

  it('leaves the base and the project as they were, and nothing unfinished', async () => {
    expect(readFileSync(join(base, 'model.safetensors')).equals(baseBytes)).toBe(true);
    expect(readdirSync(project).filter((name) => name !== '.git')).toHaveLength(24);
    expect(readdirSync(tunedHome)).toEqual(['1']);
    expect(readdirSync(join(tunedHome, '1')).toSorted()).toEqual(
      ['log.jsonl', 'model', 'report.md', 'tuned.json'].toSorted(),
    );
    expect(await listTuned(tunedHome)).toEqual([first]);
    expect(readFileSync(join(tunedHome, '1', 'report.md'), 'utf8')).toContain('unseen files of the project');
  });

  it('goes on after a stop, to the same weights and figures', async () => {
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }) => void (step === 4 && stop.abort());
    await expect(tune({ ...options, onStep, signal: stop.signal })).rejects.toThrow(/abort/i);
    expect(readdirSync(tunedHome).toSorted()).toEqual(['1', 'unfinished']);
    const steps: number[] = [];
    const second = await tune({ ...options, onStep: ({ step }) => void steps.push(step) });
    expect(steps[0]).toBe(5);
    expect(second.number).toBe(2);
    expect(weightsOf(2).equals(weightsOf(1))).toBe(true);
    expect(second.comparisons).toEqual(first.comparisons);
  });

  it('refuses a second run beside the first, not one after a run that was killed', async () => {
    const unlock = await lockHome(tunedHome);
    await expect(tune(options)).rejects.toThrow(/being tuned already/);
    await unlock();
    // No process has this number, nor the other.
    for (const left of ['4194305', 'damaged']) {
      writeFileSync(join(tunedHome, 'tuning.lock'), left);
      await (await lockHome(tunedHome))();
    }
    expect(readdirSync(tunedHome)).not.toContain('tuning.lock');
  });

  it('keeps of low-rank adapters only what holds, and no embedding of them; the same after a stop', async () => {
    const adapted: TuneOptions = { ...options, method: 'adapters', tuned: join(home, 'adapted'), tasks: 3 };
    const whole = await tune(adapted);
    const adaptedHome = await projectHome(adapted.tuned, project);
    const tensorsOf = async (folder: string) => {
      const tensors = new Map<string, Buffer>();
      for await (const { name, data } of (await loadModelFolder(folder)).tensors())
        tensors.set(name, Buffer.from(data));
      return tensors;
    };
    const before = await tensorsOf(base);
    const after = await tensorsOf(modelFolderOf(adaptedHome, whole.number));
    for (const [name, data] of before) {
      const moves = whole.weights?.verdict.usable && /layers\..*(attention|mlp)\..*weight$/.test(name);
      expect(after.get(name)?.equals(data), name).toBe(!moves);
    }
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }) => void (step === 4 && stop.abort());
    await expect(tune({ ...adapted, onStep, signal: stop.signal })).rejects.toThrow(/abort/i);
    const second = await tune(adapted);
    const again = await tensorsOf(modelFolderOf(adaptedHome, second.number));
    for (const [name, data] of after) expect(again.get(name)?.equals(data), name).toBe(true);
    expect(second.weights?.curve).toEqual(whole.weights?.curve);
  });

  it('takes only models that our trainer made', async () => {
    const folder = await loadModelFolder(base);
    expect(() => tuningRecipe({ ...folder, metadata: {} }, 'full', 1)).toThrow(/cloze pretrain did not make it/);
    expect(() => tuningRecipe({ ...folder, bits: 8 }, 'full', 1)).toThrow(/quantised to 8 bits/);
  });
});
