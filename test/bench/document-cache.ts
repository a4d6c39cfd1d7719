/** How often the document cache's first vote is right, by matched characters: what its table of trust was read from. */
import { join } from 'node:path';
import { dataFolder, embeddedModel } from '../../engine/cli/environment.ts';
import { packedDocuments } from '../../engine/evaluation/documents.ts';
import { drawTasks } from '../../engine/evaluation/draw-tasks.ts';
import { shareOf } from '../../engine/evaluation/intervals.ts';
import { createDocumentCache } from '../../engine/infill/document-cache.ts';
import { loadTokenizer } from '../../engine/tokenizer/load.ts';
import { corpusPlaces } from '../../engine/training/corpus/corpus.ts';
import { openPackedCorpus } from '../../engine/training/corpus/packed-corpus.ts';
import type { Row } from './main.ts';

const PER_KIND = 300;
const SEED = 7;
const LEAST_MATCHES = [3, 4, 6, 9, 12, 16, 24, 36, 64];

/** On documents of the training split, so that the held-out ones stay unseen. */
export async function benchDocumentCache(): Promise<Row[]> {
  const { tokenizer, sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  const corpus = await openPackedCorpus(corpusPlaces(dataFolder()).corpus, 'train', sha256);
  const tasks = drawTasks(packedDocuments(corpus, tokenizer), { perKind: PER_KIND, seed: SEED });
  const counts = LEAST_MATCHES.map(() => ({ right: 0, all: 0 }));
  for (const task of tasks.filter(({ kind }) => kind === 'rest of line' || kind === 'character span')) {
    const cache = createDocumentCache(tokenizer, task);
    let written = '';
    for (const token of [...tokenizer.encode(task.expected), tokenizer.special.eop]) {
      const votes = cache.votes(written, '');
      if (votes) {
        const [first] = [...votes.tokens].sort(([, a], [, b]) => b - a);
        const count = counts[LEAST_MATCHES.findLastIndex((least) => votes.matched >= least)];
        if (count) count.all++;
        if (count && first?.[0] === token) count.right++;
      }
      written += tokenizer.decode([token]);
    }
  }
  return counts.map(({ right, all }, index) => {
    const { value, low, high } = shareOf(right, all);
    const to = LEAST_MATCHES[index + 1];
    return {
      what: `${LEAST_MATCHES[index]} ${to === undefined ? 'or more' : `to ${to - 1}`} characters, ${all} votes`,
      median: 100 * value,
      least: 100 * low,
      most: 100 * high,
      unit: '% right',
    };
  });
}
