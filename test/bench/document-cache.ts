/**
 * Fits the gate of the document cache (engine/infill/cache-gate.ts) for the embedded model and says what it gives: on
 * documents of the training split, so that the held-out ones stay unseen, and checked on others than those of the fit.
 */
import { join } from 'node:path';
import { dataFolder, embeddedModel } from '../../engine/cli/environment.ts';
import { packedDocuments } from '../../engine/evaluation/documents.ts';
import { drawTasks } from '../../engine/evaluation/draw-tasks.ts';
import { fitGate } from '../../engine/evaluation/fit-gate.ts';
import { type FollowOptions, followSpan, type VotedToken, votedTokens } from '../../engine/evaluation/follow-span.ts';
import { shareOf } from '../../engine/evaluation/intervals.ts';
import { mixVotes } from '../../engine/infill/cache-gate.ts';
import { logProbabilityOf, mostProbable } from '../../engine/infill/sampling.ts';
import { loadModel } from '../../engine/load-model.ts';
import { loadTokenizer } from '../../engine/tokenizer/load.ts';
import { corpusPlaces } from '../../engine/training/corpus/corpus.ts';
import { openPackedCorpus } from '../../engine/training/corpus/packed-corpus.ts';
import type { Row } from './main.ts';

const PER_KIND = 150;
const FIT_SEED = 7;
const CHECK_SEED = 8;
/** Longer spans would be most of the tokens. */
const LONGEST_SPAN = 120;
const FOLLOW: FollowOptions = { contextTokens: 800, longest: LONGEST_SPAN };

interface Counts {
  tokens: number;
  alone: { right: number; bits: number };
  mixed: { right: number; bits: number };
}

export async function benchDocumentCache(): Promise<Row[]> {
  const model = await loadModel(embeddedModel(), { threads: 1 });
  const { sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  const corpus = await openPackedCorpus(corpusPlaces(dataFolder()).corpus, 'train', sha256);
  const documents = packedDocuments(corpus, model.tokenizer);
  const draw = (seed: number) => drawTasks(documents, { perKind: PER_KIND, seed });
  const voted: VotedToken[] = [];
  for (const task of draw(FIT_SEED)) voted.push(...(await votedTokens(model, task, FOLLOW)));
  const gate = fitGate(voted);
  process.stdout.write(`gate fitted to ${voted.length} tokens: [${gate.map((w) => w.toFixed(2)).join(', ')}]\n`);

  const counts: Counts = { tokens: 0, alone: { right: 0, bits: 0 }, mixed: { right: 0, bits: 0 } };
  const add = (to: Counts['alone'], right: boolean, probability: number) => {
    to.right += right ? 1 : 0;
    to.bits -= Math.log2(probability);
  };
  for (const task of draw(CHECK_SEED)) {
    await followSpan(model, task, FOLLOW, ({ logits, target, votes }) => {
      const mixed = votes ? mixVotes(logits, votes, gate).logits : logits;
      counts.tokens++;
      for (const [to, some] of [[counts.alone, logits] as const, [counts.mixed, mixed] as const]) {
        add(to, mostProbable(some, 1)[0]?.id === target, Math.exp(logProbabilityOf(some, target)));
      }
    });
  }
  model.runtime.dispose();
  return (['alone', 'mixed'] as const).flatMap((name) => {
    const { value, low, high } = shareOf(counts[name].right, counts.tokens);
    const bits = counts[name].bits / counts.tokens;
    return [
      { what: `next token right, ${name}`, median: 100 * value, least: 100 * low, most: 100 * high, unit: '%' },
      { what: `bits a token, ${name}`, median: bits, least: bits, most: bits, unit: 'bits' },
    ];
  });
}
