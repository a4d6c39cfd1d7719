/** A model folder becomes weights on the processor and the tokenizer that belongs to them. */
import { join } from 'node:path';
import type { Model } from './infill/fill.ts';
import { parameterCount } from './model/config.ts';
import { loadModelFolder, type ModelFolder, TOKENIZER_HASH } from './model/load.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from './runtime/native.ts';
import { loadTokenizer } from './tokenizer/load.ts';
import { checkVocabularyFits } from './tokenizer/tokenizer-json.ts';

export interface LoadedModel extends Model {
  /** The model's name, e.g. `cursor-5m`. */
  name: string;
  folder: ModelFolder;
}

/** Parameters below which a model copies from the document worse than a look at it does (docs/document-cache.md). */
const SMALL = 100e6;

/** Throws an error that names the file, what was wrong with it and what to do. */
export async function loadModel(path: string, options: NativeRuntimeOptions = {}): Promise<LoadedModel> {
  const folder = await loadModelFolder(path);
  // Such a model reads from left to right: a blank and what follows it would mean nothing to it.
  if (folder.config.causal) {
    throw new Error(
      `${path} holds a ${folder.family} model, which writes on from left to right and was not trained to fill blanks. Choose a model of the families glm-130b, chatglm-6b or glm-2021.`,
    );
  }
  const tokenizerPath = join(path, 'tokenizer.json');
  const { tokenizer, sha256 } = await loadTokenizer(tokenizerPath);
  checkVocabularyFits(tokenizer.vocabSize, folder.config.vocabSize);
  const expected = folder.metadata[TOKENIZER_HASH];
  if (expected !== undefined && expected !== sha256) {
    throw new Error(
      `${tokenizerPath} is not the tokenizer that the model was trained with (sha256 ${sha256.slice(0, 12)}…, expected ${expected.slice(0, 12)}…). Put the file back that came with the weights.`,
    );
  }
  const runtime = await openNativeRuntime(folder, options);
  return {
    name: folder.metadata.recipe ?? folder.family,
    folder,
    tokenizer,
    runtime,
    documentCache: parameterCount(folder.config) < SMALL,
  };
}
