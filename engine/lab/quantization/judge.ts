/**
 * Losses of a model on the held-out texts: whole, with the matrices of its layers as a scheme gives them back (computed in
 * float32, activations whole), or by the native runtime with whole numbers, where activations take 8 bits too.
 */
import { logProbabilityOf } from '../../infill/sampling.ts';
import type { GlmConfig } from '../../model/config.ts';
import { type ModelFolder, valuesOf } from '../../model/load.ts';
import { type ExecutionOptions, loadAddon } from '../../native.ts';
import type { InfillingSample } from '../../objective/blank-infilling.ts';
import { openNativeRuntime } from '../../runtime/native.ts';
import type { TokenRows } from '../../runtime/runtime.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { countRows, microBatches, toBatch } from '../../training/batch.ts';
import { type HeldOutText, sampleOf } from './held-out.ts';
import { isQuantised } from './recipes.ts';
import { approximated, type Scheme } from './schemes.ts';

export interface Matrix {
  /** Canonical name. */
  name: string;
  values: Float32Array;
  rows: number;
  columns: number;
}

export interface Judge {
  config: GlmConfig;
  /** Those that the schemes change. */
  matrices: readonly Matrix[];
  /** Bits that each text costs, in their order; without a scheme those of the model as it is. */
  bits(scheme: Scheme | undefined, signal?: AbortSignal): Promise<number[]>;
}

const ROWS = 4096;

/** Throws where the model cannot be computed by the trainer, which does the reading here. */
export async function openJudge(
  folder: ModelFolder,
  texts: readonly HeldOutText[],
  tokenizer: Tokenizer,
  execution: Omit<ExecutionOptions, 'precision'>,
): Promise<Judge> {
  const { config } = folder;
  const trainer = new (loadAddon().Trainer)(config, { ...execution, precision: 'float32' });
  const matrices: Matrix[] = [];
  for await (const tensor of folder.tensors()) {
    const values = valuesOf(tensor);
    trainer.set(tensor.name, values, 'parameter');
    const [rows = 0, columns = 0] = tensor.shape;
    if (isQuantised(tensor)) matrices.push({ name: tensor.name, values, rows, columns });
  }
  const batches = microBatches(
    texts.map((text) => sampleOf(text, tokenizer, config)),
    ROWS,
  );
  return {
    config,
    matrices,
    async bits(scheme, signal) {
      for (const { name, values, rows, columns } of matrices) {
        trainer.set(name, scheme ? approximated(values, rows, columns, scheme) : values, 'parameter');
      }
      await trainer.pack();
      const bits: number[] = [];
      for (const batch of batches) {
        signal?.throwIfAborted();
        const { losses } = await trainer.evaluate(toBatch(batch));
        let at = 0;
        for (const sample of batch) {
          const { counted } = countRows([sample]);
          bits.push(losses.subarray(at, at + counted).reduce((sum, x) => sum + x, 0) / Math.LN2);
          at += counted;
        }
      }
      return bits;
    },
  };
}

export const NATIVE_FORMATS = [
  { precision: 'int8', group: 'row' },
  { precision: 'int8', group: 64 },
  { precision: 'int8', group: 32 },
  { precision: 'int4', group: 'row' },
  { precision: 'int4', group: 64 },
  { precision: 'int4', group: 32 },
] as const;
export type NativeFormat = (typeof NATIVE_FORMATS)[number];

export function nativeName({ precision, group }: NativeFormat): string {
  return `native ${precision} ${group === 'row' ? 'by row' : `by ${group}`}`;
}

/** Bits that each text costs in the native runtime, whose embedding and head have 8 bits too. */
export async function nativeBits(
  folder: ModelFolder,
  texts: readonly HeldOutText[],
  tokenizer: Tokenizer,
  { level, threads, ...format }: Omit<ExecutionOptions, 'precision'> & NativeFormat,
  signal?: AbortSignal,
): Promise<number[]> {
  const runtime = await openNativeRuntime(folder, { level, threads, ...format });
  const { vocabSize } = runtime.config;
  try {
    const bits: number[] = [];
    for (const text of texts) {
      const sample = sampleOf(text, tokenizer, runtime.config);
      const session = runtime.open(sample.tokens.length);
      try {
        await session.read(rowsOf(sample, 0, sample.sep), signal);
        const rows = rowsOf(sample, sample.sep, sample.tokens.length);
        const logits = await session.extend(rows, { logits: 'all', ...(signal ? { signal } : {}) });
        let sum = 0;
        for (let row = 0; row < rows.tokens.length; row++) {
          const own = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
          sum -= logProbabilityOf(own, sample.targets[sample.sep + row] as number);
        }
        bits.push(sum / Math.LN2);
      } finally {
        session.dispose();
      }
    }
    return bits;
  } finally {
    runtime.dispose();
  }
}

function rowsOf({ tokens, positions, blockPositions }: InfillingSample, from: number, to: number): TokenRows {
  return {
    tokens: tokens.slice(from, to),
    positions: positions.slice(from, to),
    blockPositions: blockPositions.slice(from, to),
  };
}
