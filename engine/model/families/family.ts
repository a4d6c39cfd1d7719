/**
 * A checkpoint family: how one line of released models spells the keys of config.json and the names of its tensors.
 * A family only maps; files, shapes and limits are checked by `load.ts` and `stored-tensors.ts`.
 */
import type { GlmConfig } from '../config.ts';
import type { ConfigKeys } from './config-keys.ts';

/** The rows of the fused projection that some files store as tensors of their own, top to bottom. */
export const PARTS = ['query', 'key', 'value'] as const;
export type Part = (typeof PARTS)[number];

export interface Family {
  name: string;
  /** What in config.json tells this family from the others, in words for an error message. */
  sign: string;
  recognises(keys: ConfigKeys): boolean;
  config(keys: ConfigKeys): GlmConfig;
  /** Which release of the family it is, where prompts differ between them. */
  release?(keys: ConfigKeys): string;
  /** Canonical name (`tensorShapes`) of a tensor of the file, and which rows of it the file's tensor is if not all. */
  canonicalName(name: string): string | { name: string; part: Part };
}

/** Rotary frequencies that some files carry; the runtime computes its own. */
export function isStoredFrequency(name: string): boolean {
  return /\brotary_(pos_)?emb\.inv_freq$/.test(name);
}
