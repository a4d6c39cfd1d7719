/**
 * A checkpoint family: how one line of released models spells the keys of config.json and the names of its tensors.
 * A family only maps; files, shapes and limits are checked by `load.ts` and `stored-tensors.ts`.
 */
import type { GlmConfig } from '../config.ts';
import type { ConfigKeys } from './config-keys.ts';

/** Rows that some files store as tensors of their own, top to bottom: of the fused projection, and of a gated layer. */
export const PARTS = ['query', 'key', 'value'] as const;
export const GATED_PARTS = ['gate', 'up'] as const;
export type Part = (typeof PARTS)[number] | (typeof GATED_PARTS)[number];

export interface Family {
  name: string;
  /** What in config.json tells this family from the others, in words for an error message. */
  sign: string;
  recognises(keys: ConfigKeys): boolean;
  config(keys: ConfigKeys): GlmConfig;
  /** Bits of the layers' matrices by config.json; undefined where it does not say that they are quantised. */
  bits?(keys: ConfigKeys): 4 | 8 | undefined;
  /** Which release of the family it is, where prompts differ between them. */
  release?(keys: ConfigKeys): string;
  /** Whether a tensor of the file belongs to something that completion does without. */
  ignores?(keys: ConfigKeys): (name: string) => boolean;
  /** Canonical name (`tensorShapes`) of a tensor of the file, and which rows of it the file's tensor is if not all. */
  canonicalName(name: string): string | { name: string; part: Part };
}

/** ChatGLM's `quantization_bit`, in config.json of its INT8 and INT4 checkpoints; 0 or null in others. */
export function quantizationBits(keys: ConfigKeys): 4 | 8 | undefined {
  const value = keys.raw('quantization_bit') ?? 0;
  if (value === 4 || value === 8) return value;
  keys.only('quantization_bit', value === 0 ? keys.raw('quantization_bit') : 0);
  return undefined;
}

/** Rotary frequencies that some files carry; the runtime computes its own. */
export function isStoredFrequency(name: string): boolean {
  return /\brotary_(pos_)?emb\.inv_freq$/.test(name);
}
