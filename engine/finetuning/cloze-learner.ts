/**
 * Understanding as a cloze question. Where each label's verbalizer is one token, Part B is `sop` alone and the loss is the
 * cross-entropy of the raw logits at those tokens (GLM 2021, `VerbalizerModel`); else each candidate is a sample of its
 * own, scored by the sum of log-probabilities of its tokens and `eop` (`ClozeModel`), divided by their number to the
 * power of the length penalty. Where a field fills the blank it is the same, with one text around it for each label.
 */

import type { NativeBatch } from '../native.ts';
import type { InfillingSample } from '../objective/blank-infilling.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { countRows, microBatches, toBatch } from '../training/batch.ts';
import { choose, largest } from './choice.ts';
import type { Example, PatternVerbalizer, Task } from './example.ts';
import type { Answer, Learner } from './learner.ts';
import { answeredSample, type FilledPattern, fillPattern, type Pattern, parsePattern, withLabel } from './pattern.ts';
import type { Trunk } from './trunk.ts';

/** Rows in one pass through the network. */
export const MICRO_ROWS = 4096;

export interface ClozeOptions {
  tokenizer: Tokenizer;
  task: Task;
  pattern: PatternVerbalizer;
  /** Most tokens of a sample, Part A and Part B. */
  maxTokens: number;
  /**
   * For models of other kinds: the sample with one counted row, from which a verbalizer of one token is read. Default: Part
   * B with `sop` alone.
   */
  ask?: (filled: FilledPattern) => InfillingSample;
}

/** Throws where a verbalizer is missing or too long for `ask`, or a pattern is malformed. */
export function createClozeLearner(trunk: Trunk, options: ClozeOptions): Learner {
  const { tokenizer, task } = options;
  const verbalizers = verbalizersOf(options);
  if (options.pattern.written !== undefined) {
    if (options.ask) throw new Error(`A pattern of ${task.name} writes a field of the example, which takes a span.`);
    return createSpanLearner(trunk, channelSpeller(trunk, options, options.pattern.written, verbalizers));
  }
  const pattern = parsePattern(options.pattern.text, `The pattern of ${task.name}`, 1);
  const ids = verbalizers.map((text) => tokenizer.encode(text));
  const single = ids.length > 0 && ids.every(({ length }) => length === 1);
  if (single) return createTokenLearner(trunk, options, pattern, Int32Array.from(ids.flat()));
  if (options.ask) throw new Error(`A verbalizer of ${task.name} has more than one token in this vocabulary.`);
  return createSpanLearner(trunk, candidateSpeller(trunk, options, pattern, verbalizers));
}

function verbalizersOf({ task, pattern }: ClozeOptions): string[] {
  return task.labels.map((label) => {
    const text = pattern.verbalizers?.[label];
    if (text === undefined || text === '') {
      throw new Error(`The pattern of ${task.name} has no verbalizer for the label "${label}".`);
    }
    return text;
  });
}

function createTokenLearner(trunk: Trunk, options: ClozeOptions, pattern: Pattern, choices: Int32Array): Learner {
  const { tokenizer, maxTokens } = options;
  const { positions } = trunk.folder.config;
  const kind = options.pattern.mask ?? 'token';
  const ask = options.ask ?? ((filled) => answeredSample(tokenizer, positions, filled, [], kind));
  const sampleOf = ({ fields, answer }: Example): InfillingSample => {
    const sample = ask(fillPattern(tokenizer, pattern, fields, maxTokens - 1));
    sample.targets[sample.lossMask.indexOf(1)] = choices[answer] as number;
    return sample;
  };
  const batches = (examples: readonly Example[]): NativeBatch[] =>
    microBatches(examples.map(sampleOf), MICRO_ROWS).map((samples) => ({ ...toBatch(samples), choices }));
  return {
    update: trunk.update,
    keep: trunk.keep,
    async learn(examples, weight, signal) {
      let sum = 0;
      for (const batch of batches(examples)) {
        signal?.throwIfAborted();
        sum += (await trunk.trainer.forwardBackward(batch, weight, 1)).sum;
      }
      return sum;
    },
    async answer(examples, signal) {
      const answers: Answer[] = [];
      for (const batch of batches(examples)) {
        signal?.throwIfAborted();
        const { choiceLogits, count } = await trunk.trainer.evaluate(batch);
        for (let row = 0; row < count; row++) {
          const logits = choiceLogits.subarray(row * choices.length, (row + 1) * choices.length);
          answers.push(answered(logits, examples[answers.length] as Example));
        }
      }
      return answers;
    },
  };
}

/** Candidates of one example as samples, and where their rows count. */
interface Spelled {
  samples: InfillingSample[];
  /** Divisors of the candidates' scores. */
  divisors: number[];
}

type Speller = (example: Example) => Spelled;

/** One text, and a span for each candidate. */
function candidateSpeller(
  { folder }: Trunk,
  { tokenizer, maxTokens, pattern: { mask: kind = 'token', lengthPenalty = 0 } }: ClozeOptions,
  pattern: Pattern,
  verbalizers: readonly string[],
): Speller {
  return ({ id, fields, candidates = verbalizers }) => {
    const spans = candidates.map((text) => tokenizer.encode(text));
    const longest = Math.max(...spans.map(({ length }) => length));
    if (longest + 2 > maxTokens / 2) {
      throw new Error(
        `A candidate of example ${id} has ${longest} tokens, more than half of the ${maxTokens} of a sample.`,
      );
    }
    const filled = fillPattern(tokenizer, pattern, fields, maxTokens - longest - 1);
    return {
      samples: spans.map((span) => answeredSample(tokenizer, folder.config.positions, filled, span, kind)),
      divisors: spans.map((span) => (span.length + 1) ** lengthPenalty),
    };
  };
}

/** One span, a field of the example, and a text around it for each label. */
function channelSpeller(
  { folder }: Trunk,
  { tokenizer, task, maxTokens, pattern: { text, mask: kind = 'token', lengthPenalty = 0 } }: ClozeOptions,
  written: string,
  verbalizers: readonly string[],
): Speller {
  const patterns = verbalizers.map((own) => parsePattern(withLabel(text, own), `The pattern of ${task.name}`, 1));
  return ({ id, fields }) => {
    const value = fields[written];
    if (value === undefined) throw new Error(`The example ${id} has no field "${written}", which fills the blank.`);
    const whole = tokenizer.encode(value);
    const most = Math.max(Math.floor(maxTokens / 2), maxTokens - whole.length - 1);
    const filled = patterns.map((pattern) => fillPattern(tokenizer, pattern, fields, most));
    // The mask is no token yet, and `sop` comes before the span.
    const span = whole.slice(0, maxTokens - Math.max(...filled.map(({ tokens }) => tokens.length)) - 2);
    return {
      samples: filled.map((own) => answeredSample(tokenizer, folder.config.positions, own, span, kind)),
      divisors: filled.map(() => (span.length + 1) ** lengthPenalty),
    };
  };
}

function createSpanLearner(trunk: Trunk, spell: Speller): Learner {
  /** Scores of each example's candidates and, for a lone one, whether the model would have written it. */
  const score = async (spelled: readonly Spelled[], signal?: AbortSignal) => {
    const all = spelled.flatMap(({ samples }) => samples);
    const sums: number[] = [];
    const exact: boolean[] = [];
    for (const samples of microBatches(all, MICRO_ROWS)) {
      signal?.throwIfAborted();
      const { losses, first } = await trunk.trainer.evaluate(toBatch(samples));
      let at = 0;
      for (const sample of samples) {
        const { counted } = countRows([sample]);
        const own = losses.subarray(at, at + counted);
        sums.push(own.reduce((sum, loss) => sum - loss, 0));
        exact.push(first.subarray(at, at + counted).every((hit) => hit === 1));
        at += counted;
      }
    }
    let next = 0;
    return spelled.map(({ divisors }) => ({
      exact: exact[next] as boolean,
      scores: divisors.map((divisor) => (sums[next++] as number) / divisor),
    }));
  };
  return {
    update: trunk.update,
    keep: trunk.keep,
    async learn(examples, weight, signal) {
      const spelled = examples.map(spell);
      const scored = await score(spelled, signal);
      let sum = 0;
      const samples: InfillingSample[] = [];
      const factors: number[] = [];
      for (const [index, { scores }] of scored.entries()) {
        const { loss, gradient } = choose(scores, (examples[index] as Example).answer);
        const { samples: own, divisors } = spelled[index] as Spelled;
        sum += loss;
        samples.push(...own);
        // A score is minus a sum of cross-entropies: its rows weigh minus the loss's gradient by the score.
        factors.push(...gradient.map((g, candidate) => -g / (divisors[candidate] as number)));
      }
      let next = 0;
      for (const micro of microBatches(samples, MICRO_ROWS)) {
        signal?.throwIfAborted();
        const rowWeights = micro.flatMap(({ tokens }) => {
          const factor = factors[next++] as number;
          return Array.from(tokens, () => factor);
        });
        await trunk.trainer.forwardBackward(
          { ...toBatch(micro), rowWeights: Float32Array.from(rowWeights) },
          weight,
          1,
        );
      }
      return sum;
    },
    async answer(examples, signal) {
      const scored = await score(examples.map(spell), signal);
      return scored.map(({ scores, exact }, index) => {
        const example = examples[index] as Example;
        if (scores.length > 1) return answered(scores, example);
        // WSC: the label is whether the candidate is what the pronoun means, so whether the model writes it.
        return { choice: Number(exact), probabilities: [Math.exp(scores[0] as number)], loss: -(scores[0] as number) };
      });
    },
  };
}

/** The answer that scores of labels or candidates come to. */
export function answered(scores: ArrayLike<number>, { answer }: Example): Answer {
  const { probabilities, loss } = choose(scores, answer);
  return { choice: largest(scores), probabilities, loss };
}
