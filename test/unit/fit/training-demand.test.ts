/** What training is predicted to take, held against the most that a process holds while it trains, on Linux. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totalTraining, trainingDemand } from '../../../engine/fit/training-demand.ts';
import { loadAddon } from '../../../engine/native.ts';
import { cursorConfig } from '../../../engine/training/recipes.ts';
import { bundleProgram } from '../bundle-program.ts';
import { SHAPE } from './random-model.ts';
import type { TrainingCase } from './training-resident.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-training-'));
afterAll(() => rmSync(home, { recursive: true }));
let program: string;
beforeAll(async () => {
  program = await bundleProgram(home, 'fit/training-resident');
});

const shipped = cursorConfig({ layers: 8, hiddenSize: 192, innerSize: 512, heads: 3 }, 'pre');
const tuning = { config: shipped, precision: 'bfloat16' as const, threads: 1, rows: 4096, longest: 900 };
const cases: Record<string, TrainingCase> = {
  'adapters on the model that ships': { ...tuning, adapterRank: 16, muon: false },
  'all weights of the model that ships': { ...tuning, rows: 2048, muon: true },
  'a short pass': { ...tuning, rows: 1024, adapterRank: 16, muon: false },
  'wide layers, outer norms, a head of its own': {
    config: { ...SHAPE, innerSize: 1024, norm: 'sandwich', activation: 'geglu', tiedEmbedding: false, layers: 2 },
    precision: 'float32',
    threads: 2,
    rows: 1024,
    longest: 256,
    muon: true,
  },
};

describe.runIf(process.platform === 'linux')('training takes what was predicted, within 20 %', () => {
  for (const [what, own] of Object.entries(cases)) {
    it(what, { timeout: 240_000 }, () => {
      const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '1' };
      const args = ['--expose-gc', program, JSON.stringify(own)];
      const measured: { bytes: number } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env }));
      const demand = trainingDemand(own.config, { ...own, level: loadAddon().detectedLevel });
      const ratio = totalTraining(demand) / measured.bytes;
      const text = `${what}: predicted ${JSON.stringify(demand)}, measured ${(measured.bytes / 1e6).toFixed(1)} MB, ratio ${ratio.toFixed(3)}`;
      expect(ratio, text).toBeGreaterThan(0.8);
      expect(ratio, text).toBeLessThan(1.2);
    });
  }
});
