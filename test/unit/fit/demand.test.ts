/** What the formulas say, held against what a process holds: each case in a process of its own, on Linux. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NativePrecision, nativeDemand } from '../../../engine/fit/demand.ts';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { loadAddon } from '../../../engine/native.ts';
import { bundleProgram } from '../bundle-program.ts';
import { randomModel, SHAPE } from './random-model.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-fit-'));
afterAll(() => rmSync(home, { recursive: true }));
let program: string;
beforeAll(async () => {
  program = await bundleProgram(home, 'fit/resident');
});

const threads = 2;

interface Case {
  shape: Partial<GlmConfig>;
  context: number;
  precisions: readonly NativePrecision[];
}

const cases: Record<string, Case> = {
  'many layers': { shape: { layers: 16 }, context: 512, precisions: ['float32', 'int4'] },
  'a large vocabulary that is the head too': {
    shape: { vocabSize: 60_000, layers: 2 },
    context: 512,
    precisions: ['bfloat16', 'int4'],
  },
  'a head of its own, outer norms, gates': {
    shape: { vocabSize: 24_000, tiedEmbedding: false, norm: 'sandwich', activation: 'geglu', layers: 6 },
    context: 256,
    precisions: ['float32'],
  },
  'a causal model with a long context': {
    shape: {
      causal: true,
      positions: 'rotary-1d',
      bias: 'qkv',
      normKind: 'rms-norm',
      activation: 'swiglu',
      layers: 8,
      maxLength: 16_384,
    },
    context: 2048,
    precisions: ['int8'],
  },
  'a long passage read in both directions': {
    shape: { positions: 'learned-2d', layers: 6, heads: 4 },
    context: 2048,
    precisions: ['int8'],
  },
  'an encoder-decoder': { shape: { layers: 12, decoderLayers: 6 }, context: 512, precisions: ['float32'] },
};

describe.runIf(process.platform === 'linux')('a model takes what was predicted, within 10 %', () => {
  for (const [what, { shape, context, precisions }] of Object.entries(cases)) {
    it(what, { timeout: 240_000 }, async () => {
      const folder = await randomModel(home, shape);
      const found = precisions.map((precision) => {
        const args = ['--expose-gc', program, folder, precision, String(context), String(threads)];
        // Large blocks go back to the system when they are freed, as they otherwise do only by and by.
        const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '1' };
        const measured = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env }));
        const group = precision === 'int4' ? 32 : 'row';
        const form = { precision, group, level: loadAddon().detectedLevel, threads } as const;
        const { weights, cache, workSpace } = nativeDemand({ ...SHAPE, ...shape }, form, context);
        const all = weights + cache + workSpace;
        const text = `${what}, ${precision}: weights ${(weights / measured.weights).toFixed(3)} of ${(measured.weights / 1e6).toFixed(1)} MB, all ${(all / measured.all).toFixed(3)} of ${(measured.all / 1e6).toFixed(1)} MB`;
        return { text, ratio: all / measured.all };
      });
      for (const { text, ratio } of found) {
        expect(ratio, text).toBeGreaterThan(0.9);
        expect(ratio, text).toBeLessThan(1.1);
      }
    });
  }
});
