/** `cloze verify` on the recorded models, and on one that was changed. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { verifyCommand } from '../../../engine/cli/verify.ts';
import { recordedCases } from '../../../engine/verification/cases.ts';
import { goldenPath, readGolden } from '../native/golden.ts';
import { ONNX_HOST } from '../onnx/bundle.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-verify-'));
afterAll(() => rmSync(home, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
  let written = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
  const code = await verifyCommand([...args, '--threads', '1']);
  return { code, lines: written.trimEnd().split('\n') };
}

it.each(['glm-2021', 'glm-130b', 'chatglm-6b', 'chatglm3-6b', 'glm4-hf'])(
  '%s passes, a line for each case',
  async (family) => {
    const { code, lines } = await run(goldenPath(family));
    const cases = recordedCases(readGolden(`${family}/cases.json`), family);
    expect(lines).toHaveLength(cases.length + 1);
    for (const [index, { name }] of cases.entries()) expect(lines[index]).toMatch(new RegExp(`^ok {4}${name} `));
    expect(lines.at(-1)).toContain(`${cases.length} of ${cases.length} cases pass`);
    expect(code).toBe(0);
  },
  60_000,
);

it.each(['glm-2021', 'glm-130b', 'chatglm-6b', 'glm-4-9b'])(
  '%s passes on onnxruntime, which nothing takes over from',
  async (family) => {
    vi.stubEnv('CLOZE_ONNX_HOST', resolve(ONNX_HOST));
    vi.stubEnv('XDG_CACHE_HOME', home);
    const { code, lines } = await run(goldenPath(family), '--runtime', 'onnx-cpu');
    const { length } = recordedCases(readGolden(`${family}/cases.json`), family);
    expect(lines.at(-1)).toContain(`${length} of ${length} cases pass`);
    expect(lines.at(-1)).toContain('onnx cpu float32');
    expect(code).toBe(0);
    vi.restoreAllMocks();
    await expect(run(goldenPath(family), '--runtime', 'onnx-cuda')).rejects.toThrow(/^onnx-cuda cannot be used: .+\.$/);
  },
  60_000,
);

it('compares every row of answers side by side, and every step of blanks that are filled one after another', () => {
  const byName = (family: string, name: string) =>
    recordedCases(readGolden(`${family}/cases.json`), family).find((record) => record.name === name);
  expect(byName('glm-2021', 'multiple_choice_scores')?.branches).toEqual([
    { from: 10, to: 12 },
    { from: 12, to: 16 },
    { from: 16, to: 17 },
  ]);
  expect(byName('glm-130b', 'fill_two_masks')?.steps).toHaveLength(13);
});

it('says where a changed model differs', async () => {
  const folder = mkdtempSync(join(home, 'changed-'));
  for (const file of ['cases.json', 'model.safetensors']) cpSync(goldenPath(`glm4-hf/${file}`), join(folder, file));
  const config = JSON.parse(readFileSync(goldenPath('glm4-hf/config.json'), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, rope_theta: 500 }));
  const { code, lines } = await run(folder);
  expect(code).toBe(1);
  expect(lines[0]).toMatch(/^FAIL {2}forward_causal .*: (row|after row) \d+/);
}, 60_000);

it('what cannot be run is said', async () => {
  await expect(run(goldenPath('glm4-hf'), '--runtime', 'abacus')).rejects.toThrow(
    /--runtime takes native, onnx-cpu, onnx-webgpu, .*"abacus"/,
  );
  await expect(run(goldenPath('glm4-hf'), '--tolerance', 'x')).rejects.toThrow(/--tolerance takes a number/);
  const path = join(home, 'cases.json');
  for (const [text, message] of [
    ['[', /is not JSON/],
    ['{}', /no list/],
    ['[{"name":"a","visible":[[0]]}]', /case 1 \(a\) cannot be run/],
  ] as const) {
    writeFileSync(path, text);
    await expect(run(goldenPath('glm4-hf'), '--cases', path)).rejects.toThrow(message);
  }
});
