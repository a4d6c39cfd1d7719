/** The engine's public face: a model folder becomes something that fills blanks. */
import { join } from 'node:path';
import type { FillHooks } from './infill/decode.ts';
import type { Fill, FillOptions, Passage } from './infill/fill.ts';
import { createInfiller } from './infill/infill.ts';
import { loadModelFolder } from './model/load.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from './runtime/native.ts';
import { byteLevelBpe } from './tokenizer/byte-level-bpe.ts';
import { checkVocabularyFits, loadTokenizerJson } from './tokenizer/tokenizer-json.ts';

export interface Engine {
  /** The model's name, e.g. `cursor-5m`. */
  readonly name: string;
  readonly device: string;
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  dispose(): Promise<void>;
}

export interface EngineOptions extends NativeRuntimeOptions {
  /** Folder with config.json, model.safetensors and tokenizer.json. */
  modelFolder: string;
}

/** Throws an error that names the file, what was wrong with it and what to do. */
export async function loadEngine({ modelFolder, ...runtimeOptions }: EngineOptions): Promise<Engine> {
  const folder = await loadModelFolder(modelFolder);
  const tokenizer = byteLevelBpe(await loadTokenizerJson(join(modelFolder, 'tokenizer.json')));
  checkVocabularyFits(tokenizer.vocabSize, folder.config.vocabSize);
  const runtime = await openNativeRuntime(folder, runtimeOptions);
  const infiller = createInfiller({ runtime, tokenizer });
  return {
    name: folder.metadata.recipe ?? folder.family,
    device: runtime.device,
    fill: (passage, options, hooks) => infiller.fill(passage, options, hooks),
    async dispose() {
      await infiller.dispose();
      runtime.dispose();
    },
  };
}
