/**
 * Milliseconds of one completion where nothing was read yet, of the two to four most probable, found together, and of as
 * many drawn one by one; natively and by onnxruntime on the processor.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, loadEngine } from '../../engine/index.ts';
import type { Passage } from '../../engine/infill/fill.ts';
import type { Row } from './main.ts';
import { interleaved } from './spread.ts';

const TOKENS = 12;
const ROUNDS = 15;
const CASES = [
  { count: 1, together: false },
  { count: 2, together: false },
  { count: 3, together: false },
  { count: 2, together: true },
  { count: 3, together: true },
  { count: 4, together: true },
];

const GREEDY = { temperature: 0, topP: 1, seed: 0 };
const drawOf = (seed: number) => (seed === 0 ? GREEDY : { temperature: 0.8, topP: 0.95, seed });

export async function benchCandidates(): Promise<Row[]> {
  const cacheFolder = mkdtempSync(join(tmpdir(), 'cloze-graphs-'));
  try {
    const rows: Row[] = [];
    for (const precision of ['float32', 'int8'] as const) {
      for (const runtime of ['native', 'onnx-cpu'] as const) {
        const shared = { modelFolder: 'engine/embedded-model', threads: 1, precision };
        const engine = await loadEngine({ ...shared, runtime, onnx: { cacheFolder, precision } });
        try {
          rows.push(...(await candidatesOf(engine)));
        } finally {
          await engine.dispose();
        }
      }
    }
    return rows;
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true });
  }
}

async function candidatesOf(engine: Engine): Promise<Row[]> {
  const source = readFileSync('engine/infill/passage.ts', 'utf8');
  const cut = source.indexOf('\n', source.length / 2);
  let round = 0;
  const alternatives = CASES.map(({ count, together }) => ({
    what: `${count} of ${TOKENS} tokens${count === 1 ? '' : together ? ' together' : ' one by one'}, ${engine.device}`,
    unit: 'ms',
    async measure() {
      // Another path, so that Part A is read anew.
      const passage: Passage = {
        path: `${round++}.ts`,
        languageId: 'typescript',
        before: source.slice(0, cut),
        after: source.slice(cut),
        forced: '',
        neighbours: [],
        kind: 'sentence',
      };
      const limits = { maxTokens: TOKENS, contextTokens: 900, timeLimit: 0, singleLine: false };
      const start = performance.now();
      if (together) await engine.fillCandidates(passage, count, { ...limits, ...GREEDY });
      else for (let seed = 0; seed < count; seed++) await engine.fill(passage, { ...limits, ...drawOf(seed) });
      return performance.now() - start;
    },
  }));
  return interleaved(alternatives, ROUNDS);
}
