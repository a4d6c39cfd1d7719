/** Graphs on disk: made once, whole or not at all, and readable by other ONNX tools. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GlmConfig } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import type { GraphForm } from '../../../engine/onnx/glm-graph.ts';
import { storedGraph } from '../../../engine/onnx/stored-graph.ts';
import { goldenFolder } from '../native/golden.ts';
import { randomTensors, SMALLEST } from '../native/tiny.ts';
import { folderOf } from '../runtime/tiny-runtime.ts';

const FORM: GraphForm = { precision: 'float32', cache: 'rows' };
const tensors = () => randomTensors(SMALLEST, createRandom(3));

let cacheFolder: string;
beforeEach(() => {
  cacheFolder = mkdtempSync(join(tmpdir(), 'cloze-stored-'));
});
afterEach(() => rmSync(cacheFolder, { recursive: true, force: true }));

describe('a stored graph', () => {
  it('is made once for the same model and form, and again for others', async () => {
    const shares: number[] = [];
    const path = await storedGraph(folderOf(SMALLEST, tensors()), FORM, {
      cacheFolder,
      progress: (share) => shares.push(share),
    });
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    const { mtimeMs } = statSync(path);
    const refuse = () => {
      throw new Error('It was made again.');
    };
    expect(await storedGraph(folderOf(SMALLEST, tensors()), FORM, { cacheFolder, progress: refuse })).toBe(path);
    expect(statSync(path).mtimeMs).toBe(mtimeMs);

    const changed = tensors();
    (changed.get('transformer.final_layernorm.bias') as Float32Array)[3] = 9;
    const others = [
      await storedGraph(folderOf(SMALLEST, changed), FORM, { cacheFolder }),
      await storedGraph(folderOf(SMALLEST, tensors()), { ...FORM, precision: 'float16' }, { cacheFolder }),
      await storedGraph(folderOf(SMALLEST, tensors()), { ...FORM, cache: 'resident' }, { cacheFolder }),
      await storedGraph(folderOf({ ...SMALLEST, residualAlpha: 3 }, tensors()), FORM, { cacheFolder }),
    ];
    expect(new Set([path, ...others]).size).toBe(5);
    expect(readdirSync(cacheFolder)).toHaveLength(5);
  });

  it('is left out when making it was stopped or failed', async () => {
    const stop = new Error('stopped half-way');
    const progress = (share: number) => {
      if (share > 0.5) throw stop;
    };
    await expect(storedGraph(folderOf(SMALLEST, tensors()), FORM, { cacheFolder, progress })).rejects.toBe(stop);
    const without = tensors();
    without.delete('transformer.final_layernorm.bias');
    await expect(storedGraph(folderOf(SMALLEST, without), FORM, { cacheFolder })).rejects.toThrow(
      'memory: the tensor transformer.final_layernorm.bias is missing.',
    );
    expect(readdirSync(cacheFolder)).toEqual([]);
  });

  it('does not lie beside what a killed conversion left long ago', async () => {
    for (const [name, hours] of [
      ['old', 30],
      ['young', 1],
    ] as const) {
      const left = join(cacheFolder, `${name}.part`);
      mkdirSync(left);
      writeFileSync(join(left, 'weights.bin'), 'half');
      const then = Date.now() / 1000 - hours * 3600;
      utimesSync(left, then, then);
    }
    const path = await storedGraph(folderOf(SMALLEST, tensors()), FORM, { cacheFolder });
    expect(readdirSync(cacheFolder).sort()).toEqual([basename(dirname(path)), 'young.part'].sort());
  });

  it('is never more than a few tensors in memory', async () => {
    const model = folderOf(SMALLEST, tensors());
    let handed = 0;
    const watched: ModelFolder = {
      ...model,
      async *tensors() {
        for await (const tensor of model.tensors()) {
          // Whoever asks for the next tensor has done with the one before.
          yield tensor;
          tensor.data.fill(0xff);
          handed++;
        }
      },
    };
    const path = await storedGraph(watched, FORM, { cacheFolder });
    const plain = await storedGraph(model, FORM, { cacheFolder });
    expect(path).toBe(plain);
    expect(handed).toBe(2 * tensors().size);
    rmSync(dirname(path), { recursive: true });
    await storedGraph(model, FORM, { cacheFolder });
    const weights = join(dirname(path), 'weights.bin');
    const bytes = readFileSync(weights);
    rmSync(dirname(path), { recursive: true });
    await storedGraph(watched, FORM, { cacheFolder });
    expect(readFileSync(weights).equals(bytes)).toBe(true);
  });

  it('says which folder cannot be written', async () => {
    const file = join(import.meta.dirname, 'stored-graph.test.ts');
    await expect(storedGraph(folderOf(SMALLEST, tensors()), FORM, { cacheFolder: file })).rejects.toThrow(file);
    expect(existsSync(file)).toBe(true);
  });

  it('takes whole numbers only where they fill blocks', async () => {
    await expect(
      storedGraph(folderOf(SMALLEST, tensors()), { ...FORM, precision: 'int4' }, { cacheFolder }),
    ).rejects.toThrow('In int4 every matrix needs a multiple of 32 columns, but this model has 24, 24 and 19.');
  });
});

/** Debian's, if it is there; another tool than the one that the graphs are made for. */
const PYTHON = '/usr/bin/python3';
const hasOnnx = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;
const CHECK = `
import onnx, sys
for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    assert all(t.raw_data for t in model.graph.initializer), path
`;

describe.skipIf(!hasOnnx)('the checker of ONNX', { timeout: 60_000 }, () => {
  const wide: GlmConfig = { ...SMALLEST, hiddenSize: 64, innerSize: 96 };
  const forms: GraphForm[] = (['float32', 'float16'] as const).flatMap((precision) =>
    (['rows', 'resident'] as const).map((cache) => ({ precision, cache })),
  );
  it('takes the graphs of every family, in every form', async () => {
    const paths: string[] = [];
    for (const family of ['glm-130b', 'chatglm-6b', 'glm-2021', 'chatglm2-6b', 'glm4-hf', 'glm4-moe-hf']) {
      const model = await goldenFolder(family);
      for (const form of forms) paths.push(await storedGraph(model, form, { cacheFolder }));
    }
    const model = folderOf(wide, randomTensors(wide, createRandom(3)));
    for (const precision of ['int8', 'int4'] as const)
      paths.push(await storedGraph(model, { precision, cache: 'rows' }, { cacheFolder }));
    const { status, stderr } = spawnSync(PYTHON, ['-c', CHECK, ...paths], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
