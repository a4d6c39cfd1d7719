/** From a recipe to its samples: which of the kinds of sample is drawn. */
import type { InfillingSample } from '../objective/blank-infilling.ts';
import type { Random } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { drawCausalSample } from './causal-samples.ts';
import type { PackedCorpus } from './corpus/packed-corpus.ts';
import { drawInstructionSample } from './instruction-samples.ts';
import type { Recipe } from './recipes.ts';
import { drawSample } from './samples.ts';
import { drawStreamSample } from './stream-samples.ts';

export type SampleDrawer = (corpus: PackedCorpus, random: Random) => InfillingSample;

/** Samples that an experiment lays out itself. */
export interface OwnSamples {
  kind: 'own';
  drawer(tokenizer: Tokenizer): SampleDrawer;
}

/** A drawer of single samples; what it draws follows from the corpus and the generator alone. */
export function sampleDrawer(
  { config, samples, instructions = 0 }: Pick<Recipe, 'config' | 'samples' | 'instructions'>,
  tokenizer: Tokenizer,
): SampleDrawer {
  if ('kind' in samples && samples.kind === 'own') return samples.drawer(tokenizer);
  const { maxLength, positions } = config;
  const selfSupervised: SampleDrawer = (corpus, random) => {
    if ('kind' in samples) {
      return drawStreamSample({ tokenizer, corpus, mixture: samples, positions, maxLength }, random);
    }
    const source = { tokenizer, corpus, recipe: samples, maxLength };
    return config.causal ? drawCausalSample(source, random) : drawSample(source, random);
  };
  if (instructions === 0) return selfSupervised;
  return (corpus, random) => {
    if (random.float() >= instructions) return selfSupervised(corpus, random);
    // A corpus without functions gives none: then the sample is one of the others.
    return drawInstructionSample({ tokenizer, corpus, maxLength }, random) ?? selfSupervised(corpus, random);
  };
}
