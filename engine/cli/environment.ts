/** What the command line takes from the environment; the rest of the engine gets it as arguments. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where corpora and runs lie: `$CLOZE_DATA`, else `cloze` in the XDG data folder. */
export function dataFolder(): string {
  return process.env.CLOZE_DATA ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local/share'), 'cloze');
}

/** Where models converted for onnxruntime are kept: in `cloze` of the XDG cache folder; safe to remove. */
export function graphFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cloze', 'graphs');
}

/** `CLOZE_CPU` forces a level of the kernels: amx, avx512, avx2, neon or portable. */
export function kernelLevel(): string {
  return process.env.CLOZE_CPU ?? '';
}

/** The model that ships with Cloze; bundles lie in `dist/`, beside `engine/`. */
export function embeddedModel(): string {
  return join(import.meta.dirname, '..', 'engine', 'embedded-model');
}

/** The bearer token that `cloze serve` asks its clients for. */
export function serverToken(): string | undefined {
  return process.env.CLOZE_TOKEN || undefined;
}

/** The key that a remote server asks for; never an option, which other users of the machine could read. */
export function remoteKey(): string | undefined {
  return process.env.CLOZE_REMOTE_KEY || undefined;
}

/** Another address for the pages of the hub that models are downloaded from. */
export function hubMirror(): string | undefined {
  return process.env.CLOZE_MIRROR || undefined;
}

/** `CLOZE_ONNX_HOST` names another program for the worker of onnxruntime. */
export function onnxHost(): { host?: string } {
  const host = process.env.CLOZE_ONNX_HOST;
  return host ? { host } : {};
}
