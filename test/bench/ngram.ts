/**
 * What the n-gram baseline (engine/evaluation/ngram/) does with n-grams of several orders and beams of several widths, by which
 * its own were chosen: on packages of the training split that are left out of the counts, so that the held-out ones stay unseen.
 */
import { join } from 'node:path';
import { dataFolder, embeddedModel } from '../../engine/cli/environment.ts';
import { packedDocuments, type TokenDocuments } from '../../engine/evaluation/documents.ts';
import { drawTasks } from '../../engine/evaluation/draw-tasks.ts';
import { bestRule } from '../../engine/evaluation/evaluate.ts';
import { shareOf } from '../../engine/evaluation/intervals.ts';
import { countTraining, ngramBaseline } from '../../engine/evaluation/ngram/baseline.ts';
import { loadTokenizer } from '../../engine/tokenizer/load.ts';
import { corpusPlaces } from '../../engine/training/corpus/corpus.ts';
import { openPackedCorpus, type PackedCorpus } from '../../engine/training/corpus/packed-corpus.ts';
import type { Row } from './main.ts';

const PER_KIND = 99;
const SEED = 5;
/** One package in so many is asked about. */
const PACKAGES = 8;
const ORDERS = [5, 6, 8];
const BEAMS = [1, 4];

export async function benchNgram(): Promise<Row[]> {
  const { tokenizer, sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  const corpus = await openPackedCorpus(corpusPlaces(dataFolder()).corpus, 'train', sha256);
  const all = Array.from({ length: corpus.documents }, (_, index) => index);
  const packages = [...new Set(all.map((index) => corpus.document(index).package))].sort();
  const isAsked = new Map(packages.map((name, at) => [name, at % PACKAGES === 0]));
  const [asked, counted] = [true, false].map((wanted) =>
    partOf(
      corpus,
      all.filter((index) => isAsked.get(corpus.document(index).package) === wanted),
    ),
  ) as [TokenDocuments, TokenDocuments];
  const tasks = drawTasks(packedDocuments(asked, tokenizer), { perKind: PER_KIND, seed: SEED });
  const counts = countTraining(counted, tokenizer, { seed: SEED });
  const rows: Row[] = [];
  for (const order of ORDERS) {
    for (const beams of BEAMS) {
      const baseline = ngramBaseline(counts, tokenizer, { order, beams });
      for (const kind of baseline.kinds) {
        const own = tasks.filter((task) => task.kind === kind);
        const { rule, marks } = bestRule(baseline, own);
        const { value, low, high } = shareOf(marks.filter(({ isExact }) => isExact).length, marks.length);
        const what = `order ${order}, beam of ${beams}, ${kind} (${rule})`;
        rows.push({ what, median: 100 * value, least: 100 * low, most: 100 * high, unit: '% exact' });
      }
    }
  }
  return rows;
}

/** Some documents of a corpus, as a corpus. */
function partOf(corpus: PackedCorpus, members: readonly number[]): TokenDocuments {
  const document = (index: number) => corpus.document(members[index] as number);
  const tokens = members.reduce((sum, index) => sum + corpus.document(index).tokens.length, 0);
  return { documents: members.length, tokens, document };
}
