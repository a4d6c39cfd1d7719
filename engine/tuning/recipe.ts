/** How a trained model is tuned: the windows and blanks it was pretrained with, at a rate that falls to nothing. */
import { type AdapterOptions, attachAdapters } from '../model/adapters.ts';
import { type ModelFolder, TOKENIZER_HASH } from '../model/load.ts';
import { type ExecutionOptions, loadAddon } from '../native.ts';
import { createRandom } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { microBatches, toBatch } from '../training/batch.ts';
import type { PackedCorpus } from '../training/corpus/packed-corpus.ts';
import { WHOLE } from '../training/embedding-shrink.ts';
import { grownTensors } from '../training/grow.ts';
import { RECIPES, type Recipe } from '../training/recipes.ts';
import { sampleDrawer } from '../training/sample-drawer.ts';

/** Rows of the project's text in training windows, as a multiple of its tokens: more is learning by heart. */
export const MOST_PASSES = 12;
/** Half of pretraining's: a project is small, and a budget of minutes should have room for many steps. */
const STEP_TOKENS = 4096;
/** Below these the optimizer's momentum has hardly begun. */
const LEAST_STEPS = 10;

/** What is trained: all weights, or low-rank adapters on the projections within the layers. */
export type TrainingMethod = 'full' | 'adapters';

/** Beside the memory; `memory`: nothing. */
export type TuningMethod = TrainingMethod | 'memory';

/** Learning rates at their peak: half of pretraining's for all weights; adapters begin at nothing and take a higher one. */
export const RATES: Readonly<Record<TrainingMethod, number>> = { full: 6e-4, adapters: 4e-3 };
const ADAPTERS: AdapterOptions = { rank: 16, scale: 2 };

/** `peak`: the learning rate. Throws for a model that our trainer cannot go on with. */
export function tuningRecipe(base: ModelFolder, method: TrainingMethod, peak: number): Recipe {
  const cursor = RECIPES['cursor-5m'] as Recipe;
  if (base.metadata[TOKENIZER_HASH] === undefined || base.bits !== undefined) {
    throw new Error(
      `${base.path} cannot be tuned: ${base.bits ? `it is quantised to ${base.bits} bits` : 'cloze pretrain did not make it'}. Tuning takes models that cloze pretrain has made, with whole weights.`,
    );
  }
  return {
    ...cursor,
    name: `${base.metadata.recipe ?? 'model'}-tuned`,
    config: base.config,
    stepTokens: STEP_TOKENS,
    microTokens: STEP_TOKENS,
    optimizer: { ...cursor.optimizer, weightDecay: 0 },
    schedule: { peak, floor: 0, warmup: { share: 0.05 }, decayShare: 0.95 },
    embeddingShrink: WHOLE,
    ...(method === 'adapters' ? { adapters: ADAPTERS } : {}),
  };
}

/** Tokens that `minutes` have room for on this machine as it is now, within what the corpus is good for. */
export async function affordableTokens(
  recipe: Recipe,
  base: ModelFolder,
  corpus: PackedCorpus,
  tokenizer: Tokenizer,
  { minutes, execution }: { minutes: number; execution: ExecutionOptions },
): Promise<number> {
  const most = MOST_PASSES * corpus.tokens;
  const trainer = new (loadAddon().Trainer)(recipe.config, execution);
  for await (const { name, values } of grownTensors(base, recipe.config)) trainer.set(name, values, 'parameter');
  if (recipe.adapters) attachAdapters(trainer, recipe.config, recipe.adapters, createRandom(0));
  await trainer.pack();
  const draw = sampleDrawer(recipe, tokenizer);
  const random = createRandom(0);
  let rate = 0;
  // The first step warms caches and is not believed.
  for (let step = 0; step < 2; step++) {
    const samples = [];
    let rows = 0;
    while (rows < recipe.stepTokens) {
      const sample = draw(corpus, random);
      rows += sample.tokens.length;
      samples.push(sample);
    }
    const started = performance.now();
    trainer.zeroGradients();
    for (const micro of microBatches(samples, recipe.microTokens))
      await trainer.forwardBackward(toBatch(micro), 1, 1, 1);
    await trainer.update({ ...recipe.optimizer, learningRate: 0 });
    rate = rows / ((performance.now() - started) / 1000);
  }
  trainer.dispose();
  return Math.round(Math.max(LEAST_STEPS * recipe.stepTokens, Math.min(most, rate * minutes * 60)));
}
