/**
 * Initial weights. DeepNorm (arXiv 2203.00555, as in GLM-130B): Xavier normal, gain (2L)^-1/2 on the feed-forward
 * matrices, the value projections and the attentions' outputs, gain 1 on queries and keys. The other placements of norms
 * (GLM 2021): N(0, 0.02), output projections divided by sqrt(2L). Norms are 1, biases 0, embeddings N(0, 0.02).
 */
import { type GlmConfig, tensorShapes } from '../model/config.ts';
import type { Random } from '../objective/random.ts';

const EMBEDDING_DEVIATION = 0.02;

export function* initialTensors(
  config: GlmConfig,
  random: Random,
): Generator<{ name: string; values: Float32Array }, void, undefined> {
  const gain = 1 / Math.sqrt(2 * config.layers);
  const normal = normalGenerator(random);
  for (const { name, shape } of tensorShapes(config)) {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const [rows = 1, columns] = shape;
    if (columns === undefined) {
      if (name.endsWith('layernorm.weight')) values.fill(1);
    } else if (/embeddings|lm_head/.test(name)) {
      for (let i = 0; i < values.length; i++) values[i] = EMBEDDING_DEVIATION * normal();
    } else if (config.norm !== 'deepnorm') {
      const output = /attention\.dense|4h_to_h/.test(name);
      const deviation = output ? EMBEDDING_DEVIATION * gain : EMBEDDING_DEVIATION;
      for (let i = 0; i < values.length; i++) values[i] = deviation * normal();
    } else {
      // The fused projections are three or two square matrices for this purpose.
      const parts = name.includes('.query_key_value.') ? 3 : name.includes('.key_value.') ? 2 : 1;
      const deviation = Math.sqrt(2 / (rows / parts + columns));
      const isOutput = (row: number) =>
        parts === 3
          ? isValueRow(config, row)
          : parts === 2
            ? row >= rows / 2
            : !name.includes('.cross_attention.query.');
      for (let row = 0; row < rows; row++) {
        const scale = isOutput(row) ? deviation * gain : deviation;
        for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = scale * normal();
      }
    }
    yield { name, values };
  }
}

function isValueRow({ qkvLayout, hiddenSize, heads }: GlmConfig, row: number): boolean {
  if (qkvLayout === 'thirds') return row >= 2 * hiddenSize;
  const size = hiddenSize / heads;
  return row % (3 * size) >= 2 * size;
}

/** Box and Muller's transform, both values used. */
function normalGenerator(random: Random): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random.float()));
    const angle = 2 * Math.PI * random.float();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
