import { describe, expect, it } from 'vitest';
import { calibrationsOf, type Predicted } from '../../../engine/evaluation/calibration.ts';
import { answerTask } from '../../../engine/evaluation/model-predictor.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { recite } from '../infill/passages.ts';
import { taskOf } from './documents.ts';

const answer = (confidence: number, isExact: boolean, more: Partial<Predicted> = {}): Predicted => ({
  kind: 'line',
  confidence,
  probability: confidence ** 2,
  isExact,
  ...more,
});

describe('calibration', () => {
  it('agrees with an example by hand', () => {
    // Two in 0.9 … 1 (mean 0.95, half right), two in 0.2 … 0.3 (mean 0.25, none right): (2 * 0.45 + 2 * 0.25) / 4.
    const [confidence] = calibrationsOf(
      [answer(1, true), answer(0.9, false), answer(0.2, false), answer(0.29, false)],
      1,
    );
    expect(confidence).toMatchObject({ kind: 'line', measure: 'confidence', tasks: 4, exactMatch: 0.25 });
    expect(confidence?.error).toBeCloseTo((2 * 0.45 + 2 * 0.245) / 4, 12);
    expect(confidence?.bins).toHaveLength(10);
    expect(confidence?.bins[9]).toMatchObject({ from: 0.9, to: 1, tasks: 2, exactMatch: { value: 0.5 } });
    expect(confidence?.bins[9]?.predicted).toBeCloseTo(0.95, 12);
    expect(confidence?.bins[2]).toMatchObject({ tasks: 2, exactMatch: { value: 0 } });
    expect(confidence?.bins[5]).toEqual({ from: 0.5, to: 0.6, tasks: 0, predicted: null, exactMatch: null });
  });

  it('tells a model that knows itself from one that boasts', () => {
    const random = createRandom(2);
    const answers = Array.from({ length: 2000 }, () => {
      const truth = random.float();
      return answer(Math.sqrt(truth), random.float() < truth);
    });
    const [confidence, probability] = calibrationsOf(answers, 1);
    expect(confidence?.error).toBeGreaterThan(3 * (confidence?.byChanceAtMost as number));
    expect(probability?.measure).toBe('probability');
    expect(probability?.error).toBeLessThan(probability?.byChanceAtMost as number);
    expect(probability?.byChance).toBeLessThan(probability?.byChanceAtMost as number);
  });

  it('has every kind and all together, and repeats with the seed', () => {
    const answers = [answer(0.5, true), answer(0.5, false, { kind: 'lines' })];
    const calibrations = calibrationsOf(answers, 3);
    expect(calibrations.map(({ kind, measure, tasks }) => [kind, measure, tasks])).toEqual([
      ['all', 'confidence', 2],
      ['line', 'confidence', 1],
      ['lines', 'confidence', 1],
      ['all', 'probability', 2],
      ['line', 'probability', 1],
      ['lines', 'probability', 1],
    ]);
    expect(calibrationsOf(answers, 3)).toEqual(calibrations);
  });

  it('takes the probability of the whole span and its end from the model', async () => {
    const model = recite('();', { config: { maxLength: 512 } });
    const { confidence, probability } = await answerTask(model, taskOf('a<<();>>\n'), { contextTokens: 200 });
    // Three tokens and the end, all equally likely.
    expect(probability).toBeCloseTo(confidence ** 4, 12);
    expect(probability).toBeLessThan(confidence);
  });
});
