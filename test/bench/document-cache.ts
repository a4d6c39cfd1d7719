/**
 * Fits the gate of the document cache (engine/infill/cache-gate.ts) for the embedded model and says what it gives: on
 * documents of the training split, so that the held-out ones stay unseen, and checked on others than those of the fit.
 */
import { join } from 'node:path';
import { dataFolder, embeddedModel } from '../../engine/cli/environment.ts';
import { packedDocuments } from '../../engine/evaluation/documents.ts';
import { drawTasks } from '../../engine/evaluation/draw-tasks.ts';
import { shareOf } from '../../engine/evaluation/intervals.ts';
import type { Task } from '../../engine/evaluation/task.ts';
import { gateInputs, gateTrust, mixVotes } from '../../engine/infill/cache-gate.ts';
import { type CacheVotes, createDocumentCache } from '../../engine/infill/document-cache.ts';
import type { Model } from '../../engine/infill/fill.ts';
import { openBlank } from '../../engine/infill/open-blank.ts';
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
const CONTEXT_TOKENS = 800;
const STEPS = 600;
const RATE = 0.05;
const DECAY = 1e-4;

/** One token that the document had votes for. */
interface Voted {
  inputs: number[];
  /** Probability of the right token: the model's, and its share of the votes. */
  own: number;
  share: number;
}

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
  const voted: Voted[] = [];
  for (const task of draw(FIT_SEED)) await follow(model, task, ({ voted: own }) => own && voted.push(own));
  const gate = fitGate(voted);
  process.stdout.write(`gate fitted to ${voted.length} tokens: [${gate.map((w) => w.toFixed(2)).join(', ')}]\n`);

  const counts: Counts = { tokens: 0, alone: { right: 0, bits: 0 }, mixed: { right: 0, bits: 0 } };
  const add = (to: Counts['alone'], right: boolean, probability: number) => {
    to.right += right ? 1 : 0;
    to.bits -= Math.log2(probability);
  };
  for (const task of draw(CHECK_SEED)) {
    await follow(model, task, ({ logits, target, votes }) => {
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

interface Step {
  logits: Float32Array;
  target: number;
  votes: CacheVotes | undefined;
  voted: Voted | undefined;
}

/** Feeds what stood in the blank, token by token and with its end, and shows what was known before each. */
async function follow(model: Model, task: Task, onStep: (step: Step) => void): Promise<void> {
  const { tokenizer } = model;
  const expected = tokenizer.encode(task.expected);
  if (expected.length > LONGEST_SPAN) return;
  const { path, language: languageId, before, after, neighbours } = task;
  const blank = await openBlank(
    model,
    { path, languageId, before, after, forced: '', neighbours, kind: 'sentence' },
    { reserve: LONGEST_SPAN + 2, contextTokens: CONTEXT_TOKENS },
  );
  const cache = createDocumentCache(tokenizer, task);
  let { logits } = await blank.feed([]);
  let written = '';
  for (const target of [...expected, tokenizer.special.eop]) {
    const votes = cache.votes(written, '');
    const own = Math.exp(logProbabilityOf(logits, target));
    const voted = votes && { inputs: gateInputs(logits, votes), own, share: votes.tokens.get(target) ?? 0 };
    onStep({ logits, target, votes, voted });
    if (target === tokenizer.special.eop) break;
    written += tokenizer.decode([target]);
    logits = await blank.append(target, 0);
  }
  blank.dispose();
}

/** Maximizes the mean log probability of the mixture by Adam over all tokens at once. */
function fitGate(voted: readonly Voted[]): number[] {
  const size = voted[0]?.inputs.length ?? 0;
  const gate = new Array<number>(size).fill(0);
  const [first, second] = [gate.slice(), gate.slice()];
  for (let step = 1; step <= STEPS; step++) {
    const gradient = gate.map((weight) => -DECAY * weight);
    for (const { inputs, own, share } of voted) {
      const trust = gateTrust(inputs, gate);
      const slope = ((share - own) / ((1 - trust) * own + trust * share + 1e-9)) * trust * (1 - trust);
      for (const [i, input] of inputs.entries()) gradient[i] = (gradient[i] as number) + (slope * input) / voted.length;
    }
    for (const [i, slope] of gradient.entries()) {
      first[i] = 0.9 * (first[i] as number) + 0.1 * slope;
      second[i] = 0.999 * (second[i] as number) + 0.001 * slope * slope;
      const [mean, square] = [(first[i] as number) / (1 - 0.9 ** step), (second[i] as number) / (1 - 0.999 ** step)];
      gate[i] = (gate[i] as number) + (RATE * mean) / (Math.sqrt(square) + 1e-8);
    }
  }
  return gate;
}
