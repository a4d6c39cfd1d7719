/**
 * The whole forward pass in plain loops, row by row, for models whose heads all have keys and values of their own: the
 * slow twin of the native sessions, quantised products and rounded caches included.
 */
import { bfloat16ToFloat32, float32ToBfloat16 } from '../../../engine/checkpoint/float-formats.ts';
import { dequantize, type QuantFormat, quantize } from '../../../engine/checkpoint/quantization.ts';
import { type GlmConfig, isDecoder, tensorShapes } from '../../../engine/model/config.ts';
import type { TokenRows } from '../../../engine/runtime/runtime.ts';

type Linear = (x: readonly number[]) => number[];

interface Matrix {
  values: Float32Array;
  rows: number;
  columns: number;
}

const BY_ROW: QuantFormat = { bits: 8, group: 'row' };

/** Logits after each row from `sep` on, [rows - sep][V]. Without `format` nothing is quantised or rounded. */
export function plainLogits(
  config: GlmConfig,
  tensors: ReadonlyMap<string, Float32Array>,
  rows: TokenRows,
  sep: number,
  format?: QuantFormat,
): number[][] {
  const { hiddenSize: C, heads: H, innerSize: F, layers, positions, norm, causal = false, bias = 'all' } = config;
  const { decoderLayers = 0 } = config;
  const D = C / H;
  const shapes = new Map(tensorShapes(config).map(({ name, shape }) => [name, shape]));
  const tensor = (name: string) => tensors.get(name) as Float32Array;
  const matrix = (name: string): Matrix => {
    const [height, width] = shapes.get(name) as [number, number];
    return { values: tensor(name), rows: height, columns: width };
  };
  const normalized = (x: readonly number[], name: string) => {
    const centred = config.normKind !== 'rms-norm';
    const mean = centred ? x.reduce((a, b) => a + b, 0) / C : 0;
    const scale = 1 / Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / C + config.layerNormEpsilon);
    const [gain, shift] = [tensor(`${name}.weight`), centred ? tensor(`${name}.bias`) : undefined];
    return x.map((value, i) => (value - mean) * scale * (gain[i] as number) + (shift?.[i] ?? 0));
  };
  const embedding = matrix('transformer.word_embeddings.weight');
  const table = format ? rounded(embedding, BY_ROW) : embedding.values;
  const head = linear(config.tiedEmbedding ? embedding : matrix('lm_head.weight'), format && BY_ROW);
  const at = (values: Float32Array, row: number) => [...values.subarray(row * C, (row + 1) * C)];
  let states = [...rows.tokens].map((token, row) => {
    if (positions !== 'learned-2d') return at(table, token);
    const position = at(tensor('transformer.position_embeddings.weight'), rows.positions[row] as number);
    const block = at(tensor('transformer.block_position_embeddings.weight'), rows.blockPositions[row] as number);
    return at(table, token).map((value, i) => value + (position[i] as number) + (block[i] as number));
  });
  if (config.embeddingNorm) states = states.map((x) => normalized(x, 'transformer.word_embeddings_layernorm'));
  const turned = (x: readonly number[], row: number) => {
    if (positions === 'learned-2d') return [...x];
    const { rotarySize = D, rotaryPairs = 'halves' } = config;
    const [position, block] = [rows.positions[row] as number, rows.blockPositions[row] as number];
    const still = x.slice(rotarySize);
    if (positions === 'rotary-1d') return [...turn(x.slice(0, rotarySize), position, rotaryPairs), ...still];
    const half = D / 2;
    return [...turn(x.slice(0, half), position, rotaryPairs), ...turn(x.slice(half), block, rotaryPairs)];
  };

  const alpha = norm === 'deepnorm' ? config.residualAlpha : 1;
  const carries = norm === 'deepnorm' || norm === 'post';
  const plus = (out: readonly number[], came: readonly number[], normed: readonly number[]) =>
    out.map((value, i) => value + alpha * ((carries ? normed : came)[i] as number));
  let memory: number[][] = [];
  for (let layer = 0; layer < layers; layer++) {
    const name = `transformer.layers.${layer}`;
    const decodes = isDecoder(config, layer);
    // Part A leaves an encoder-decoder where its decoder begins.
    const passes = (row: number) => decoderLayers === 0 || decodes === row >= sep;
    if (decodes && memory.length === 0)
      memory = states.slice(0, sep).map((x) => normalized(x, 'transformer.encoder_final_layernorm'));
    const apply = (part: string): Linear => {
      const product = linear(matrix(`${name}.${part}.weight`), format);
      const biased = bias === 'all' || (bias === 'qkv' && /(query|key_value)$/.test(part));
      const shift = biased ? tensor(`${name}.${part}.bias`) : undefined;
      return (x) => product(x).map((value, i) => value + (shift?.[i] ?? 0));
    };
    const [project, dense] = [apply('attention.query_key_value'), apply('attention.dense')];
    const [up, down] = [apply('mlp.dense_h_to_4h'), apply('mlp.dense_4h_to_h')];
    const normed = states.map((x) => normalized(x, `${name}.input_layernorm`));
    const part = (x: readonly number[], which: number, head: number) => {
      const begin = config.qkvLayout === 'per-head' ? (3 * head + which) * D : which * C + head * D;
      return x.slice(begin, begin + D);
    };
    const projected = normed.map(project);
    const kept = (values: number[], row: number) =>
      format && (causal || row >= sep) ? values.map(asBfloat16) : values;
    const attended = projected.map((x, row) =>
      !passes(row)
        ? []
        : Array.from({ length: H }, (_, head) => {
            if (format && row < sep) {
              const read = projected.slice(0, sep);
              return attendedInWords(
                turned(part(x, 0, head), row),
                read.map((y, column) => kept(turned(part(y, 1, head), column), row)),
                read.map((y) => kept(part(y, 2, head), row)),
                causal ? row + 1 : sep,
              );
            }
            const end = causal ? row + 1 : Math.max(sep, row + 1);
            const columns = Array.from({ length: end }, (_, column) => column).filter(passes);
            return attendedBy(
              turned(part(x, 0, head), row),
              columns.map((column) => kept(turned(part(projected[column] as number[], 1, head), column), row)),
              columns.map((column) => kept(part(projected[column] as number[], 2, head), row)),
            );
          }).flat(),
    );
    const after = (out: number[], part: string) => (norm === 'sandwich' ? normalized(out, `${name}.${part}`) : out);
    const crossed = (x: number[]) => {
      const asked = normalized(x, `${name}.post_attention_layernorm`);
      const query = apply('cross_attention.query')(asked);
      const answers = memory.map(apply('cross_attention.key_value')).map((y) => (format ? y.map(asBfloat16) : y));
      const heads = Array.from({ length: H }, (_, head) => {
        const at = (y: number[], begin: number) => y.slice(begin + head * D, begin + (head + 1) * D);
        return attendedBy(
          at(query, 0),
          answers.map((y) => at(y, 0)),
          answers.map((y) => at(y, C)),
        );
      });
      return plus(after(apply('cross_attention.dense')(heads.flat()), 'post_cross_attn_layernorm'), x, asked);
    };
    states = attended.map((x, row) => {
      if (!passes(row)) return states[row] as number[];
      const attention = after(dense(x), 'post_self_attn_layernorm');
      const own = plus(attention, states[row] as number[], normed[row] as number[]);
      const inner = decodes ? crossed(own) : own;
      const again = normalized(inner, `${name}.post_${decodes ? 'cross_' : ''}attention_layernorm`);
      return plus(after(down(activated(up(again), F, config)), 'post_mlp_layernorm'), inner, again);
    });
  }
  return states.slice(sep).map((x) => head(normalized(x, 'transformer.final_layernorm')));
}

function attendedBy(query: number[], keys: number[][], values: number[][]): number[] {
  const scores = keys.map((key) => dot(query, key) / Math.sqrt(query.length));
  const top = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - top));
  const total = shares.reduce((a, b) => a + b, 0);
  const out = new Array<number>(query.length).fill(0);
  for (const [column, value] of values.entries()) {
    const share = (shares[column] as number) / total;
    for (const [i, part] of value.entries()) (out[i] as number) += share * part;
  }
  return out;
}

/** Attention of a quantised model's Part A in whole numbers of 16 bits (native/src/word_attention.h). */
function attendedInWords(query: number[], keys: number[][], values: number[][], visible: number): number[] {
  const D = query.length;
  const most = 4095;
  const words = (x: readonly number[], largest: number) => {
    const top = Math.max(...x.map(Math.abs));
    return { whole: x.map((value) => roundEven(top > 0 ? (value * largest) / top : 0)), scale: top / largest };
  };
  const asked = words(query, most);
  const scores = keys.slice(0, visible).map((key) => {
    const { whole, scale } = words(key, most);
    return (dot(asked.whole, whole) * scale * asked.scale) / Math.sqrt(D);
  });
  const top = Math.max(...scores);
  const shares = scores.map((score) => roundEven(Math.exp(score - top) * 16_383));
  const total = shares.reduce((a, b) => a + b, 0);
  const out = new Array<number>(D).fill(0);
  for (let begin = 0; begin < visible; begin += 64) {
    const span = values.slice(begin, begin + 64);
    for (let i = 0; i < D; i++) {
      const { whole, scale } = words(
        span.map((value) => value[i] as number),
        2047,
      );
      (out[i] as number) += dot(shares.slice(begin, begin + 64), whole) * (scale / total);
    }
  }
  return out;
}

function roundEven(value: number): number {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

function rounded({ values, rows, columns }: Matrix, format: QuantFormat): Float32Array {
  return dequantize(quantize(values, rows, columns, format));
}

/** y = W x; quantised: of the rounded weights and activations, which are whole numbers of each group's scale. */
function linear(weight: Matrix, format: QuantFormat | undefined): Linear {
  const { rows, columns } = weight;
  const values = format ? rounded(weight, format) : weight.values;
  const size = format && format.group !== 'row' ? format.group : columns;
  return (x) => {
    const given = format ? roundedActivations(x.map(Math.fround), size) : x;
    return Array.from({ length: rows }, (_, row) => dot(given, values.subarray(row * columns, (row + 1) * columns)));
  };
}

function roundedActivations(x: readonly number[], size: number): number[] {
  return x.map((value, i) => {
    const begin = i - (i % size);
    const top = Math.max(...x.slice(begin, begin + size).map(Math.abs));
    const steps = top > 0 ? Math.fround(value * Math.fround(127 / top)) : 0;
    return roundEven(steps) * Math.fround(top / 127);
  });
}

function turn(x: readonly number[], position: number, pairs: 'halves' | 'neighbours'): number[] {
  const half = x.length / 2;
  return x.map((value, i) => {
    const halves = pairs === 'halves';
    const [which, first] = halves ? [i % half, i < half] : [Math.floor(i / 2), i % 2 === 0];
    const angle = position * asFloat16(10000 ** (-which / half));
    const distance = halves ? half : 1;
    const other = first ? -(x[i + distance] as number) : (x[i - distance] as number);
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

function activated(x: readonly number[], F: number, { activation }: GlmConfig): number[] {
  if (activation === 'gelu') return x.map(gelu);
  if (activation === 'swiglu') {
    return x.slice(0, F).map((gate, i) => (gate / (1 + Math.exp(-gate))) * (x[F + i] as number));
  }
  if (activation === 'geglu') return x.slice(0, F).map((value, i) => value * gelu(x[F + i] as number));
  return x.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));
}

const gelu = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2));

/** Maclaurin series; far out the next term is below a double's last place. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

const asBfloat16 = (value: number) => bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(value)))[0] as number;

/** To eleven significant bits, for values of a normal exponent. */
function asFloat16(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(value)) - 10);
  return Math.round(value / unit) * unit;
}
