/** Runs alternatives in turn, so that a slow moment of the machine hits all of them, and keeps median and range. */
import type { Row } from './main.ts';

export interface Alternative {
  what: string;
  unit: string;
  /** One measurement, in `unit`. */
  measure(): Promise<number>;
}

export async function interleaved(alternatives: readonly Alternative[], rounds: number): Promise<Row[]> {
  const values = alternatives.map(() => [] as number[]);
  for (let round = -1; round < rounds; round++) {
    for (const [index, { measure }] of alternatives.entries()) {
      const value = await measure();
      // The first round only warms up.
      if (round >= 0) values[index]?.push(value);
    }
  }
  return alternatives.map(({ what, unit }, index) => {
    const sorted = (values[index] as number[]).sort((a, b) => a - b);
    return {
      what,
      unit,
      median: sorted[sorted.length >> 1] as number,
      least: sorted[0] as number,
      most: sorted.at(-1) as number,
    };
  });
}
