/** A model folder becomes weights on a device, the tokenizer that belongs to them, and the prompt of its family. */
import { causalPrompt } from './infill/causal-prompt.ts';
import type { Model } from './infill/fill.ts';
import { fimPrompt } from './infill/fim-prompt.ts';
import { fillBlank } from './infill/infill.ts';
import { createWithinMemory } from './infill/smaller-context.ts';
import { readMemory } from './infill/stored-memory.ts';
import { parameterCount } from './model/config.ts';
import { cloze } from './model/families/cloze.ts';
import { loadModelFolder, type ModelFolder, TOKENIZER_HASH } from './model/load.ts';
import type { FimOrder } from './objective/fill-in-the-middle.ts';
import { gatherCalls } from './runtime/gathered.ts';
import { openRuntime, type RuntimeOptions } from './runtime/open.ts';
import { loadTokenizerFolder } from './tokenizer/load-folder.ts';
import type { NamedTokenizer } from './tokenizer/tokenizer.ts';
import { checkVocabularyFits } from './tokenizer/tokenizer-json.ts';

export interface LoadedModel extends Model {
  /** The model's name, e.g. `cursor-5m`. */
  name: string;
  folder: ModelFolder;
  tokenizer: NamedTokenizer;
}

export interface LoadOptions extends RuntimeOptions {
  /** Where our own causal models are shown what follows a blank; default `psm`. */
  order?: FimOrder;
}

/** Parameters below which a model copies from the document worse than a look at it does (docs/document-cache.md). */
const SMALL = 100e6;

/** Throws an error that names the file, what was wrong with it and what to do. */
export async function loadModel(path: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const model = await openModel(path, options);
  try {
    await selfTest(model);
  } catch (error) {
    model.runtime.dispose();
    throw new Error(`${path} was loaded, but it cannot fill a blank: ${(error as Error).message}`, { cause: error });
  }
  return model;
}

/** The same without the self-test: nothing has been computed yet. */
export async function openModel(path: string, { order, ...options }: LoadOptions = {}): Promise<LoadedModel> {
  const folder = await loadModelFolder(path);
  const { config, family, release = family } = folder;
  const {
    tokenizer,
    path: tokenizerPath,
    sha256,
  } = await loadTokenizerFolder(path, {
    family,
    vocabSize: config.vocabSize,
  });
  checkVocabularyFits(tokenizer.vocabSize, config.vocabSize);
  const expected = folder.metadata[TOKENIZER_HASH];
  if (expected !== undefined && expected !== sha256) {
    throw new Error(
      `${tokenizerPath} is not the tokenizer that the model was trained with (sha256 ${sha256.slice(0, 12)}…, expected ${expected.slice(0, 12)}…). Put the file back that came with the weights.`,
    );
  }
  const memory = await readMemory(path, sha256);
  const runtime = gatherCalls(await openRuntime(folder, options));
  return {
    name: folder.metadata.recipe ?? release,
    folder,
    tokenizer,
    runtime,
    documentCache: parameterCount(config) < SMALL,
    ...(memory ? { memory } : {}),
    // A step of a large one waits for its weights, whatever the rows; those of a small one have rows enough where callers
    // share them.
    drafts: parameterCount(config) >= SMALL,
    ...(config.causal
      ? { prompt: family === cloze.name ? fimPrompt(tokenizer, order) : causalPrompt(tokenizer, release) }
      : {}),
  };
}

/** One short fill: weights that overflow or a prompt that does not fit are found here, not at the first keystroke. */
export async function selfTest(model: Model): Promise<void> {
  const passage = {
    path: 'sum.py',
    languageId: 'python',
    before: 'def add(a, b):\n    return ',
    after: '\n',
    forced: '',
    neighbours: [],
    kind: 'sentence' as const,
  };
  const options = { maxTokens: 2, contextTokens: 64, temperature: 0, topP: 1, seed: 0, singleLine: true, timeLimit: 0 };
  const within = createWithinMemory(model.runtime.config.maxLength, () => undefined);
  await within(options, (less) => fillBlank(model, passage, less));
}
