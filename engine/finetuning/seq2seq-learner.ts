/**
 * Generation from a source text (GLM 2021, tasks/seq2seq): the source as Part A, its blank answered with the target and
 * `eop`; label smoothing in training, none when measured. An answer's loss is the mean over the target's tokens.
 */
import type { InfillingSample } from '../objective/blank-infilling.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { countRows, microBatches, toBatch } from '../training/batch.ts';
import { MICRO_ROWS } from './cloze-learner.ts';
import type { Example, PatternVerbalizer } from './example.ts';
import type { Answer, Learner } from './learner.ts';
import { answeredSample, fillPattern, parsePattern } from './pattern.ts';
import type { Trunk } from './trunk.ts';

export interface Seq2SeqOptions {
  tokenizer: Tokenizer;
  pattern: PatternVerbalizer;
  maxTokens: number;
  /** Most tokens of a target; what is longer is cut. */
  targetTokens: number;
  smoothing: number;
}

/** GLM 2021's form of a source, `[CLS] [sMASK] Content: source`. */
export const SEQ2SEQ_PATTERN: PatternVerbalizer = { text: ['{mask} Content: {source~}'], mask: 'sentence' };

/** The first candidate of an example is its target. */
export function createSeq2SeqLearner(trunk: Trunk, options: Seq2SeqOptions): Learner {
  const { tokenizer, maxTokens, targetTokens, smoothing } = options;
  const pattern = parsePattern(options.pattern.text, 'The pattern', 1);
  const kind = options.pattern.mask ?? 'token';
  const sampleOf = ({ fields, candidates }: Example): InfillingSample => {
    const target = tokenizer.encode(candidates?.[0] ?? '').slice(0, targetTokens);
    const filled = fillPattern(tokenizer, pattern, fields, maxTokens - target.length - 1);
    return answeredSample(tokenizer, trunk.folder.config.positions, filled, target, kind);
  };
  return {
    update: trunk.update,
    keep: trunk.keep,
    async learn(examples, weight, signal) {
      const samples = examples.map(sampleOf);
      // The mean over the step's tokens, as finetune.py has it, times the examples, as the loop takes a sum.
      const perToken = examples.length / countRows(samples).counted;
      let sum = 0;
      for (const micro of microBatches(samples, MICRO_ROWS)) {
        signal?.throwIfAborted();
        const batch = { ...toBatch(micro), smoothing };
        sum += perToken * (await trunk.trainer.forwardBackward(batch, weight * perToken, 1)).sum;
      }
      return sum;
    },
    async answer(examples, signal) {
      const answers: Answer[] = [];
      for (const micro of microBatches(examples.map(sampleOf), MICRO_ROWS)) {
        signal?.throwIfAborted();
        const { losses, first } = await trunk.trainer.evaluate(toBatch(micro));
        let at = 0;
        for (const sample of micro) {
          const { counted } = countRows([sample]);
          const own = losses.subarray(at, at + counted);
          const sum = own.reduce((total, loss) => total + loss, 0);
          const exact = first.subarray(at, at + counted).every((hit) => hit === 1);
          // Greedy decoding writes exactly the target where each of its tokens comes first.
          answers.push({ choice: exact ? 0 : -1, probabilities: [Math.exp(-sum)], loss: sum / counted });
          at += counted;
        }
      }
      return answers;
    },
  };
}
