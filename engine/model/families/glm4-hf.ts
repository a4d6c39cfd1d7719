/**
 * GLM-4-0414 (9B, 32B) as transformers' `glm4` spells it: `glm` with two more norms in each layer, on what attention and
 * feed-forward layer add to the residual. The 32B has no bias at all. Facts: models/glm4 of transformers.
 */
import type { Family } from './family.ts';
import { transformersConfig, transformersName } from './glm-hf.ts';

export const glm4Hf: Family = {
  name: 'glm4-hf',
  sign: '"model_type": "glm4"',
  recognises: (keys) => keys.raw('model_type') === 'glm4',
  config: (keys) => transformersConfig(keys, 'sandwich'),
  canonicalName: transformersName,
};
