/** The ways of pre-training that the lab sets side by side, in the order of its tables. */
import { autoencoding } from './autoencoding.ts';
import { glm, glmOnePosition, glmUnshuffled } from './blank-infilling.ts';
import { bart, t5 } from './encoder-decoder.ts';
import { autoregressive, prefixLm } from './left-to-right.ts';
import type { LabParadigm } from './paradigm.ts';
import { permutation } from './permutation.ts';

export const labParadigms: readonly LabParadigm[] = [
  autoencoding,
  autoregressive,
  prefixLm,
  permutation,
  t5,
  bart,
  glm,
  glmUnshuffled,
  glmOnePosition,
];
