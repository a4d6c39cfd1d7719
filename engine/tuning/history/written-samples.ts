/** Training samples whose blanks are what people wrote: windows around lines that a commit added, beside the usual ones. */
import { headerTokens } from '../../infill/passage.ts';
import { blankInfilling, type InfillingSample } from '../../objective/blank-infilling.ts';
import type { Random } from '../../objective/random.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { CharacterRange } from '../../training/code-blanks.ts';
import type { PackedCorpus } from '../../training/corpus/packed-corpus.ts';
import type { Recipe } from '../../training/recipes.ts';
import type { OwnSamples } from '../../training/sample-drawer.ts';
import { drawSample, encodeAround, framingTokens } from '../../training/samples.ts';
import type { ProjectFile } from '../project-files.ts';
import { type AddedLines, countPlaces } from './added-lines.ts';

/** Share of the samples that have such blanks, where there are enough of them to differ. */
const SHARE = 0.25;
const LEAST_PLACES = 20;
/** Characters around a blank, on each side, and blanks in one window. */
const LEAST_AROUND = 200;
const MOST_AROUND = 1200;
const MOST_BLANKS = 6;

interface Written {
  file: ProjectFile;
  places: readonly CharacterRange[];
}

/**
 * The recipe with samples of the history among its own. `training` is the corpus of `files`; of others, and where the history
 * has little to say, the recipe's own samples are drawn.
 */
export function withWritten(
  recipe: Recipe,
  files: readonly ProjectFile[],
  training: PackedCorpus,
  added: AddedLines,
): Recipe {
  const { samples, config } = recipe;
  if ('kind' in samples || countPlaces(added) < LEAST_PLACES) return recipe;
  const written = files.flatMap((file) => {
    const places = added.get(file.path) ?? [];
    return places.length > 0 ? [{ file, places }] : [];
  });
  const { maxLength } = config;
  const drawer: OwnSamples['drawer'] = (tokenizer) => (corpus, random) => {
    if (corpus === training && random.float() < SHARE) {
      const sample = writtenSample(tokenizer, written[random.below(written.length)] as Written, random);
      if (sample.tokens.length <= maxLength) return sample;
    }
    return drawSample({ tokenizer, corpus, recipe: samples, maxLength }, random);
  };
  return { ...recipe, samples: { kind: 'own', drawer } };
}

/** A window of whole lines around one of the places, with the others that lie in it blank too, up to a number. */
export function writtenSample(tokenizer: Tokenizer, { file, places }: Written, random: Random): InfillingSample {
  const { text, path } = file;
  const chosen = places[random.below(places.length)] as CharacterRange;
  const around = () => LEAST_AROUND + random.below(MOST_AROUND - LEAST_AROUND + 1);
  const from = text.lastIndexOf('\n', Math.max(0, chosen.start - around())) + 1;
  const to = text.indexOf('\n', Math.min(text.length, chosen.end + around()));
  const end = to < 0 ? text.length : to + 1;
  const inside = places.filter((own) => own !== chosen && own.start >= from && own.end <= end);
  const blanks = [chosen, ...random.shuffle(inside).slice(0, random.below(MOST_BLANKS))].sort(
    (a, b) => a.start - b.start,
  );

  const { enc, eos, sop, eop, sentenceMask } = framingTokens(tokenizer);
  const head = [enc, ...headerTokens(tokenizer, path)];
  const { tokens, spans } = encodeAround(
    tokenizer,
    text.slice(from, end),
    blanks.map((own) => ({ start: own.start - from, end: own.end - from })),
  );
  const shifted = spans.map((span) => ({ start: span.start + head.length, end: span.end + head.length }));
  const whole = [...head, ...tokens, ...(end === text.length ? [eos] : [])];
  return blankInfilling(whole, random.shuffle(shifted), { mask: sentenceMask, sop, eop });
}
