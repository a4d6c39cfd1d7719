/**
 * Low-rank adapters (LoRA: Hu et al. 2021, arXiv 2106.09685) as the trainer holds them (native/src/adapters.h): each
 * projection within the layers is W + scale * up * down, with W frozen. What is trained is up and down alone.
 */
import type { NativeTrainer } from '../native.ts';
import type { Random } from '../objective/random.ts';
import { type GlmConfig, type GlmTensorShape, tensorShapes } from './config.ts';

export interface AdapterOptions {
  rank: number;
  /** What their product is multiplied by, alpha / rank in the paper. */
  scale: number;
}

/** For each projection [out, in]: `adapter_down` [rank, in] and `adapter_up` [out, rank]. */
export function adapterShapes(config: GlmConfig, rank: number): GlmTensorShape[] {
  return tensorShapes(config).flatMap(({ name, shape: [out = 0, columns] }) => {
    const projection = /^(transformer\.layers\..*)\.weight$/.exec(name)?.[1];
    if (projection === undefined || columns === undefined) return [];
    return [
      { name: `${projection}.adapter_down`, shape: [rank, columns] },
      { name: `${projection}.adapter_up`, shape: [out, rank] },
    ];
  });
}

/** Adapters on the weights that the trainer has. `up` is zero, so that they change nothing at first. */
export function attachAdapters(
  trainer: NativeTrainer,
  config: GlmConfig,
  { rank, scale }: AdapterOptions,
  random: Random,
): void {
  trainer.adapt(rank, scale);
  for (const { name, shape } of adapterShapes(config, rank)) {
    if (name.endsWith('adapter_up')) continue;
    const [rows = 0, columns = 0] = shape;
    // The deviation that linear layers begin with, 1 / sqrt(3 in).
    const bound = 1 / Math.sqrt(columns);
    const values = Float32Array.from({ length: rows * columns }, () => bound * (2 * random.float() - 1));
    trainer.set(name, values, 'parameter');
  }
}
