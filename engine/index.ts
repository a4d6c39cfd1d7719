/** The engine's public face: a model folder becomes something that fills blanks. */
import { chatPrompt } from './chat/chat-prompt.ts';
import { createLocalChat, type LocalChat } from './chat/local-chat.ts';
import type { TemplateLimits } from './chat/template-process.ts';
import type { BlanksFill, BlanksPassage } from './infill/blanks.ts';
import type { FillHooks } from './infill/decode.ts';
import type { Fill, FillOptions, Passage } from './infill/fill.ts';
import { createInfillers } from './infill/infillers.ts';
import { type CandidateScore, type ScoreOptions, scoreSpans } from './infill/score.ts';
import { createWithinMemory } from './infill/smaller-context.ts';
import type { FillTrace } from './infill/trace.ts';
import { createTracedInfiller } from './infill/traced-infiller.ts';
import { loadModel } from './load-model.ts';
import type { RuntimeOptions } from './runtime/open.ts';

export interface Engine {
  /** The model's name, e.g. `cursor-5m`. */
  readonly name: string;
  /** Changes when another runtime takes over. */
  readonly device: string;
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  /**
   * The greedy span of the blank and then the most probable others, `count` of them in all: they share Part A and every
   * step, so that two or three cost little more than one. The trace is that of the first.
   */
  fillCandidates(
    passage: Passage,
    count: number,
    options: FillOptions,
    hooks?: Omit<FillHooks, 'onToken'>,
  ): Promise<Fill[]>;
  /**
   * As `fill`, beside other calls of its kind, which share its steps and leave its result as it would be alone. Leaves
   * the open blank of `fill` and the trace alone.
   */
  fillBeside(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  /** Fills several blanks of one text, each seeing those already filled; `maxTokens` counts for each of them. */
  fillBlanks(passage: BlanksPassage, options: FillOptions, signal?: AbortSignal): Promise<BlanksFill>;
  /** How probable the model holds given spans in a blank; see `scoreSpans`. Leaves an open blank and the trace alone. */
  score(passage: Passage, candidates: readonly string[], options?: ScoreOptions): Promise<CandidateScore[]>;
  /** Of a model that was trained to converse. */
  readonly chat?: LocalChat;
  /** What was computed for the last fill; undefined before the first. */
  trace(): FillTrace | undefined;
  dispose(): Promise<void>;
}

export interface EngineOptions extends RuntimeOptions {
  /** Folder with config.json, weights and tokenizer, as it was downloaded. */
  modelFolder: string;
  /** Within which a checkpoint's chat template is rendered. */
  template?: TemplateLimits;
}

/** A device without memory is asked for half of the context, and for half of that. */
const SMALLER_READS = 2;

/** Throws an error that names the file, what was wrong with it and what to do. */
export async function loadEngine({ modelFolder, template, ...runtimeOptions }: EngineOptions): Promise<Engine> {
  const model = await loadModel(modelFolder, { ...runtimeOptions, smallerReads: SMALLER_READS });
  // One span at a time has its steps for itself: there drafts pay in small models too (docs/performance.md).
  const infiller = createTracedInfiller({ ...model, drafts: true }, model.name);
  const beside = createInfillers(model);
  const within = createWithinMemory(model.folder.config.maxLength, runtimeOptions.tell ?? (() => undefined));
  const { path, family, release = family } = model.folder;
  // A template that cannot be read costs the chat, not the completions.
  const limits = template === undefined ? {} : { limits: template };
  const prompt = await chatPrompt({ tokenizer: model.tokenizer, path, family, release, ...limits }).catch(
    (error: unknown) => () => {
      throw error;
    },
  );
  return {
    name: model.name,
    get device() {
      return model.runtime.device;
    },
    fill: (passage, options, hooks) => within(options, (less) => infiller.fill(passage, less, hooks)),
    fillBeside: (passage, options, hooks) => within(options, (less) => beside.fill(passage, less, hooks)),
    fillCandidates: (passage, count, options, hooks) =>
      within(options, (less) => infiller.fillCandidates(passage, count, less, hooks)),
    fillBlanks: (passage, options, signal) => within(options, (less) => infiller.fillBlanks(passage, less, signal)),
    score: (passage, candidates, options = {}) =>
      within(options, (less) => scoreSpans(model, passage, candidates, less)),
    trace: infiller.trace,
    ...(prompt ? { chat: createLocalChat(model, prompt) } : {}),
    async dispose() {
      await Promise.all([infiller.dispose(), beside.dispose()]);
      model.runtime.dispose();
    },
  };
}
