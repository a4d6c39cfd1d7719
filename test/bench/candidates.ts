/** Milliseconds of one completion where nothing was read yet, and of two or three: the others share its Part A. */
import { readFileSync } from 'node:fs';
import { loadEngine } from '../../engine/index.ts';
import type { Passage } from '../../engine/infill/fill.ts';
import type { Row } from './main.ts';
import { interleaved } from './spread.ts';

const TOKENS = 12;
const COUNTS = [1, 2, 3];

export async function benchCandidates(): Promise<Row[]> {
  const engine = await loadEngine({ modelFolder: 'engine/embedded-model', threads: 1 });
  const source = readFileSync('engine/infill/passage.ts', 'utf8');
  const cut = source.indexOf('\n', source.length / 2);
  let round = 0;
  const alternatives = COUNTS.map((count) => ({
    what: `${count} of ${TOKENS} tokens, ${engine.device}`,
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
      const start = performance.now();
      for (let seed = 0; seed < count; seed++) {
        const draw = seed === 0 ? { temperature: 0, topP: 1 } : { temperature: 0.8, topP: 0.95 };
        const limits = { maxTokens: TOKENS, contextTokens: 900, timeLimit: 0, singleLine: false };
        await engine.fill(passage, { ...draw, ...limits, seed });
      }
      return performance.now() - start;
    },
  }));
  try {
    return await interleaved(alternatives, 7);
  } finally {
    await engine.dispose();
  }
}
