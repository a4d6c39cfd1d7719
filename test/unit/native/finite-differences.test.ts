/**
 * The backward pass against central differences of the loss, one kind of tensor at a time: what is wrong in one
 * operation shows in the tensors before it. Directions are the gradient with random parts of it left out or weighted,
 * so that every share of it is seen; the five-point formula has an error of the fourth order.
 */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../engine/objective/random.ts';
import { CONFIGS, gradientsOf, LEVELS, randomBatch, randomTensors, trainerOf } from './tiny.ts';

/** Five-point formula: f'(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h. */
const POINTS: readonly [number, number][] = [
  [1, 8],
  [-1, -8],
  [2, -1],
  [-2, 1],
];

/** A step moves the summed loss of about 900 nats by this much: far above rounding, still within the fourth order. */
const CHANGE = 0.5;

const cases = Object.keys(CONFIGS).flatMap((name) => LEVELS.map((level) => ({ name, level })));

describe.each(cases)('$name at level $level', ({ name, level }) => {
  it('has the gradients of its loss', async () => {
    const config = CONFIGS[name] as (typeof CONFIGS)[string];
    const random = createRandom(11);
    const tensors = randomTensors(config, random);
    const batch = randomBatch(config, 12);
    const trainer = await trainerOf(config, tensors, { level });
    const { gradients } = await gradientsOf(trainer, config, batch, 1);

    const kinds = new Set([...tensors.keys()].map((tensor) => tensor.replace(/layers\.\d+/, 'layers')));
    for (const kind of kinds) {
      const members = [...tensors.keys()].filter((tensor) => tensor.replace(/layers\.\d+/, 'layers') === kind);
      const choices = [() => 1, () => random.below(2), () => random.float()];
      for (const [choice, share] of choices.entries()) {
        const directions = members.map((tensor) => gradients.get(tensor)?.map((g) => g * share()) as Float32Array);
        let slope = 0;
        for (const [at, tensor] of members.entries()) {
          const gradient = gradients.get(tensor) as Float32Array;
          for (const [i, d] of (directions[at] as Float32Array).entries()) slope += d * (gradient[i] as number);
        }
        expect(slope, kind).toBeGreaterThan(0);
        const step = CHANGE / slope;
        let difference = 0;
        for (const [times, weight] of POINTS) {
          for (const [at, tensor] of members.entries()) {
            const direction = directions[at] as Float32Array;
            const moved = tensors.get(tensor)?.map((w, i) => w + times * step * (direction[i] as number));
            trainer.set(tensor, moved as Float32Array, 'parameter');
          }
          await trainer.pack();
          difference += weight * (await trainer.evaluate(batch)).sum;
        }
        for (const tensor of members) trainer.set(tensor, tensors.get(tensor) as Float32Array, 'parameter');
        expect(Math.abs(difference / (12 * step) / slope - 1), `${kind}, direction ${choice}`).toBeLessThan(1e-3);
      }
    }
  });
});
