/** A line for the rounds of a step: medians, and the range of the shares of the disk's rate. */
import { quickest } from './disk-rate.ts';
import type { Step } from './load.ts';

export const HEADING = `| model | | disk, GB/s | read and quantised, s | GB/s of weights read | of the disk's rate | with self-test and first text, s | of the disk's rate | processor seconds | result GB | peak GB | above the result | |
|---|---|---|---|---|---|---|---|---|---|---|---|---|`;

export function lineOf(rounds: readonly Step[]): string {
  const [{ model, what, bytes, result, tokens }] = rounds as [Step];
  const median = (of: (step: Step) => number | undefined) => {
    const values = sorted(rounds.map(of));
    return values[values.length >> 1];
  };
  const share = (seconds: (step: Step) => number | undefined) => {
    const shares = sorted(
      rounds.map((step) => {
        const taken = seconds(step);
        return taken !== undefined && step.alone ? (100 * quickest(step.alone)) / taken : undefined;
      }),
    ).map((value) => value.toFixed(0));
    return shares.length === 0 ? '' : `${shares[shares.length >> 1]} % (${shares[0]} to ${shares.at(-1)})`;
  };
  const peak = Math.max(...rounds.map((step) => step.peak));
  const cells = [
    model,
    what,
    rate(
      bytes,
      median(({ alone }) => alone && quickest(alone)),
    ),
    fixed(median(({ seconds }) => seconds)),
    rate(
      bytes,
      median(({ seconds }) => seconds),
    ),
    share(({ seconds }) => seconds),
    fixed(median(({ whole }) => whole)),
    share(({ whole }) => whole),
    fixed(median(({ processor }) => processor)),
    (result / 1e9).toFixed(2),
    (peak / 1e9).toFixed(2),
    ((peak - result) / 1e9).toFixed(2),
    tokens === undefined ? '' : `${tokens} tokens`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function sorted(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined).sort((a, b) => a - b);
}

const fixed = (value: number | undefined): string => value?.toFixed(2) ?? '';

const rate = (bytes: number, seconds: number | undefined): string =>
  seconds === undefined ? '' : (bytes / seconds / 1e9).toFixed(2);
