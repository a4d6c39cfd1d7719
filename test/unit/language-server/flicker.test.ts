/** What is on the screen stays as long as the typed text agrees with it, whatever the model would say by now. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Fill, FilledToken, Passage } from '../../../engine/infill/fill.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { createPipeline } from '../../../language-server/completion/pipeline.ts';
import { defaultSettings } from '../../../language-server/settings.ts';
import type { Hole } from '../../bench/golf/holes.ts';
import { typeAgain } from '../../bench/golf/typist.ts';

const KEYS = 5000;

it(`nothing flickers in ${KEYS} keys with a model that changes its mind at every call`, async () => {
  const random = createRandom(5);
  const source = readFileSync('engine/infill/passage.ts', 'utf8');
  const hole: Hole = {
    path: 'a.ts',
    language: 'typescript',
    scene: 'middle',
    before: 'const first = 1;\n',
    typed: source.slice(0, KEYS + 1000).trimEnd(),
    after: '\nconst last = 1;\n',
  };

  /** Now and then right, for some lines, up to a point where it is wrong; each token with some probability. */
  function said({ before, forced }: Passage): Fill {
    const at = before.length + forced.length - hole.before.length;
    const right = hole.typed.slice(at, at + random.below(120));
    const text = `${right}${random.below(3) === 0 ? '' : ' wrong();\n  wrong2();'}`;
    const tokens = [...text].map((piece, index): FilledToken => {
      const logProbability = -random.float() / 20;
      return { id: index, text: piece, logProbability, forced: false, end: index + 1 };
    });
    const figures = { timings: { tokenize: 0, read: 0, extend: 0, total: 0 }, partA: 0, partB: 0, device: '' };
    return { text, tokens, finish: random.below(2) === 0 ? 'eop' : 'length', confidence: 1, ...figures };
  }

  let document: TextDocument | undefined;
  const pipeline = createPipeline({
    documents: { get: () => document, all: () => (document ? [document] : []) },
    host: {
      fill: async (passage) => ({ fill: said(passage), others: [], waiting: 0 }),
    },
    // More than the whole text, so that the model's place in it is known.
    settings: () => ({ ...defaultSettings, completion: { ...defaultSettings.completion, contextTokens: 2000 } }),
    pathOf: () => 'a.ts',
    quiet: { reason: () => undefined },
    log: { level: 'off', error() {}, info() {}, debug() {} },
  });
  const hold = (next: TextDocument) => {
    document = next;
  };
  const score = await typeAgain({ hole, uri: 'file:///a.ts', pipeline, hold, person: 'idle' });
  expect(score.keys).toBeGreaterThanOrEqual(KEYS);
  expect(score.shown).toBeGreaterThan(KEYS / 50);
  expect(score.flickers).toBe(0);
});
