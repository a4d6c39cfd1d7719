/**
 * A checkpoint family: how one line of released models spells the keys of config.json and the names of its tensors.
 * A family only maps; files, shapes and limits are checked by `load.ts`.
 */
import type { GlmConfig } from '../config.ts';
import type { ConfigKeys } from './config-keys.ts';

export interface Family {
  name: string;
  /** What in config.json tells this family from the others, in words for an error message. */
  sign: string;
  recognises(keys: ConfigKeys): boolean;
  config(keys: ConfigKeys): GlmConfig;
  /** Canonical name (`tensorShapes`) of a tensor of the file. */
  canonicalName(name: string): string;
}

/** Rotary frequencies that some files carry; the runtime computes its own. */
export function isStoredFrequency(name: string): boolean {
  return name.endsWith('rotary_emb.inv_freq');
}
