/** The engine's public face: a model folder becomes something that fills blanks. */
import type { BlanksFill, BlanksPassage } from './infill/blanks.ts';
import type { FillHooks } from './infill/decode.ts';
import type { Fill, FillOptions, Passage } from './infill/fill.ts';
import type { FillTrace } from './infill/trace.ts';
import { createTracedInfiller } from './infill/traced-infiller.ts';
import { loadModel } from './load-model.ts';
import type { NativeRuntimeOptions } from './runtime/native.ts';

export interface Engine {
  /** The model's name, e.g. `cursor-5m`. */
  readonly name: string;
  readonly device: string;
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  /** Fills several blanks of one text, each seeing those already filled; `maxTokens` counts for each of them. */
  fillBlanks(passage: BlanksPassage, options: FillOptions, signal?: AbortSignal): Promise<BlanksFill>;
  /** What was computed for the last fill; undefined before the first. */
  trace(): FillTrace | undefined;
  dispose(): Promise<void>;
}

export interface EngineOptions extends NativeRuntimeOptions {
  /** Folder with config.json, model.safetensors and tokenizer.json. */
  modelFolder: string;
}

/** Throws an error that names the file, what was wrong with it and what to do. */
export async function loadEngine({ modelFolder, ...runtimeOptions }: EngineOptions): Promise<Engine> {
  const model = await loadModel(modelFolder, runtimeOptions);
  const infiller = createTracedInfiller(model, model.name);
  return {
    name: model.name,
    device: model.runtime.device,
    fill: (passage, options, hooks) => infiller.fill(passage, options, hooks),
    fillBlanks: (passage, options, signal) => infiller.fillBlanks(passage, options, signal),
    trace: infiller.trace,
    async dispose() {
      await infiller.dispose();
      model.runtime.dispose();
    },
  };
}
