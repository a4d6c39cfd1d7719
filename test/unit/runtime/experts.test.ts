/** Routed experts beyond the recorded cases: which of them are read, groups of them, and whole numbers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Experts } from '../../../engine/model/config.ts';
import { loadModelFolder, type ModelFolder } from '../../../engine/model/load.ts';
import { quantizeFolder } from '../../../engine/model/quantize-folder.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from '../../../engine/runtime/native.ts';
import type { TokenRows } from '../../../engine/runtime/runtime.ts';
import { sliceRows } from '../../../engine/verification/cases.ts';
import { goldenCases, goldenFolder, goldenPath, readGolden } from '../native/golden.ts';
import { LEVELS } from '../native/tiny.ts';

const FAMILY = 'glm4-moe-hf';
const home = mkdtempSync(join(tmpdir(), 'cloze-experts-'));
afterAll(() => rmSync(home, { recursive: true }));
const record = goldenCases(`${FAMILY}/cases.json`).find(({ name }) => name === 'forward_causal');
const rows = (record as NonNullable<typeof record>).rows;

/** The golden model with other experts or other values of some tensors. */
async function changed(experts: Partial<Experts>, change: (name: string, values: Float32Array) => void) {
  const folder = await goldenFolder(FAMILY);
  const config = { ...folder.config, experts: { ...(folder.config.experts as Experts), ...experts } };
  async function* tensors() {
    for await (const tensor of folder.tensors()) {
      change(tensor.name, new Float32Array(tensor.data.buffer));
      yield tensor;
    }
  }
  return { ...folder, config, tensors };
}

async function logitsOf(folder: ModelFolder, fed: TokenRows, options: NativeRuntimeOptions = {}) {
  const runtime = await openNativeRuntime(folder, { threads: 2, precision: 'float32', ...options });
  const logits = await runtime.open(runtime.config.maxLength).extend(fed, { logits: 'all' });
  runtime.dispose();
  return logits;
}

describe.each(LEVELS)('at level %s', (level) => {
  it('reads no weight of an expert that no row has chosen', async () => {
    const [{ routing }] = readGolden(`${FAMILY}/cases.json`);
    const chosen = new Map<number, Set<number>>();
    for (const { layer, experts } of routing as { layer: number; experts: number[][] }[])
      chosen.set(layer, new Set(experts.slice(0, 2).flat()));
    let [poisoned, kept] = [0, 0];
    const folder = await changed({}, (name, values) => {
      const [, layer, expert] = /layers\.(\d+)\.mlp\.experts\.(\d+)\./.exec(name) ?? [];
      if (expert === undefined) return;
      const isKept = chosen.get(Number(layer))?.has(Number(expert));
      if (isKept) kept++;
      else poisoned++;
      if (!isKept) values.fill(Number.NaN);
    });
    const fed = sliceRows(rows, 0, 2);
    const logits = await logitsOf(folder, fed, { level });
    expect([...logits].some(Number.isNaN)).toBe(false);
    expect(logits).toEqual(await logitsOf(await goldenFolder(FAMILY), fed, { level }));
    expect(Math.min(poisoned, kept)).toBeGreaterThan(5);
  });
});

it('chooses within the groups whose two best add up to most', async () => {
  const two = { perToken: 2 };
  const biased = (biases: number[]) => (name: string, values: Float32Array) => {
    if (name.endsWith('e_score_correction_bias')) values.set(biases);
  };
  const given = biased([10, 3, 1, 1, 5, 5, 5, 5]);
  const grouped = await logitsOf(await changed({ ...two, groups: 2, groupsUsed: 1 }, given), rows);
  expect(grouped).toEqual(await logitsOf(await changed(two, biased([10, 8, 0, 0, 0, 0, 0, 0])), rows));
  expect(grouped).not.toEqual(await logitsOf(await changed(two, given), rows));
});

it('counts the scores as they are where they are not divided by their sum', async () => {
  const one = { perToken: 1 };
  const same = () => undefined;
  const whole = await logitsOf(await changed({ ...one, scale: 1 }, same), rows);
  // A lone expert's share is 1 when divided by itself, whatever its router says.
  const silent = (name: string, values: Float32Array) => {
    if (name.endsWith('mlp.gate.weight')) values.fill(0);
    if (name.endsWith('e_score_correction_bias')) values.set([1, 0, 0, 0, 0, 0, 0, 0]);
  };
  const halves = await logitsOf(await changed({ ...one, normalized: false, scale: 2 }, silent), rows);
  // Scores are all sigmoid(0) = 1/2 here.
  expect(halves).toEqual(await logitsOf(await changed({ ...one, scale: 1 }, silent), rows));
  expect(halves).not.toEqual(whole);
});

it.each([
  [8, 'row', 0.05],
  [4, 32, 0.5],
] as const)('computes with experts of %d bits', async (bits, group, most) => {
  const out = join(home, `int${bits}`);
  await quantizeFolder(goldenPath(FAMILY), out, { bits, group });
  const stored = await loadModelFolder(out);
  expect(stored.bits).toBe(bits);
  // All of them, so that no choice between two that are nearly equal hangs on the rounding of activations.
  const experts = { ...(stored.config.experts as Experts), perToken: 8 };
  const folder = { ...stored, config: { ...stored.config, experts } };
  const exact = await logitsOf(folder, rows);
  const runtime = await openNativeRuntime(folder, { threads: 2 });
  expect(runtime.device).toContain(`int${bits}`);
  const logits = await runtime.open(runtime.config.maxLength).extend(rows, { logits: 'all' });
  runtime.dispose();
  const square = (sum: number, value: number) => sum + value * value;
  const lost = logits.map((value, i) => value - (exact[i] as number)).reduce(square, 0) / exact.reduce(square, 0);
  expect(Math.sqrt(lost)).toBeLessThan(most);
});
