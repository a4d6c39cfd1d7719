import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { nativeDemand, onnxDemand, totalDemand } from '../../../engine/fit/demand.ts';
import { loadModelFolder } from '../../../engine/model/load.ts';
import { loadAddon } from '../../../engine/native.ts';
import { storedGraph } from '../../../engine/onnx/stored-graph.ts';
import { openRuntime } from '../../../engine/runtime/open.ts';
import { randomModel, SHAPE } from './random-model.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-fit-'));
afterAll(() => rmSync(home, { recursive: true }));
const path = await randomModel(home, { layers: 1, hiddenSize: 64, innerSize: 128, heads: 2, vocabSize: 20_000 });
const folder = await loadModelFolder(path);
const level = loadAddon().detectedLevel;
const demand = (precision: 'float32' | 'int8' | 'int4') =>
  nativeDemand(folder.config, { precision, group: precision === 'int4' ? 32 : 'row', level, threads: 1 }, 1024);

it('a model that does not fit is refused before it is loaded, with what would fit', async () => {
  const read = vi.spyOn(folder, 'tensors');
  const between = (totalDemand(demand('float32')) + totalDemand(demand('int8'))) / 2;
  const opened = (availableMemory: number) =>
    openRuntime(folder, { threads: 1, precision: 'float32', availableMemory });
  await expect(opened(between)).rejects.toThrow(
    /does not fit as native float32: it needs .* Nothing was loaded\. What would fit: .*native int8 with .*cloze quantize .* --to int8/,
  );
  await expect(opened(1000)).rejects.toThrow('Nothing of this model would fit. Choose a smaller model');
  expect(read).not.toHaveBeenCalled();
  (await opened(totalDemand(demand('float32')))).dispose();
  expect(read).toHaveBeenCalledTimes(1);
});

it.each(['float32', 'float16', 'int8', 'int4'] as const)(
  'onnx %s: the weights are those of the graph',
  { timeout: 120_000 },
  async (precision) => {
    const graph = await storedGraph(folder, { precision, cache: 'rows' }, { cacheFolder: join(home, 'graphs') });
    const { size } = statSync(join(dirname(graph), 'weights.bin'));
    const { weights } = onnxDemand({ ...folder.config, tiedEmbedding: true }, { precision, cache: 'rows' }, 1024);
    const packedHead = precision === 'float32' ? 4 : precision === 'float16' ? 2 : 0;
    expect(weights - packedHead * 20_000 * 64).toBe(size);
  },
);

it('a token reads the weights', () => {
  const own = nativeDemand(SHAPE, { precision: 'float32', group: 'row', level: 'portable', threads: 1 }, 1000);
  // Four layers of 12 C^2, their biases and norms, and the head, all in 4 bytes.
  const { hiddenSize: C, layers: L, vocabSize: V } = SHAPE;
  expect(own.readPerToken / (4 * (12 * L * C * C + V * C))).toBeCloseTo(1, 2);
  expect(own.cache).toBe(2 * L * 1000 * C * 4);
});

it('a token of an encoder-decoder reads the decoder, and nothing of what makes keys and values of Part A', () => {
  const form = { precision: 'float32', group: 'row', level: 'portable', threads: 1 } as const;
  const { hiddenSize: C, vocabSize: V } = SHAPE;
  const own = nativeDemand({ ...SHAPE, decoderLayers: 3 }, form, 1000);
  expect(own.readPerToken / (4 * (3 * 14 * C * C + V * C))).toBeCloseTo(1, 2);
  expect(own.weights / (4 * (12 * C * C + 3 * 16 * C * C + 2 * V * C))).toBeCloseTo(1, 1);
  expect(own.cache).toBe(2 * 3 * 1000 * C * 4);
});
