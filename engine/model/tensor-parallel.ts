/**
 * How GLM's training code lays a model out over N processes (Megatron's tensor parallelism): embedding, fused projection
 * and the first feed-forward matrix by output rows, what follows each of the two by input columns, the rest whole in
 * every part. Where rows are sections after one another (queries, keys and values in GLM 2021; value and gate of a gated
 * layer), each section is split on its own. Facts: change_mp.py of GLM, tools/convert_tp.py of GLM-130B.
 */
import { attentionWidths, type GlmConfig } from './config.ts';

/** Which axis of a tensor is split, and the sizes of the sections along it. */
export interface Split {
  axis: 0 | 1;
  sections: readonly number[];
}

/** Of a tensor by its canonical name; undefined where every part has all of it. */
export function splitOf(name: string, config: GlmConfig): Split | undefined {
  const { query, key } = attentionWidths(config);
  const { vocabSize, innerSize, activation } = config;
  const gated = activation === 'geglu' || activation === 'swiglu';
  if (/\bword_embeddings\.weight$|^lm_head\.weight$/.test(name)) return { axis: 0, sections: [vocabSize] };
  if (/\.query_key_value\.(weight|bias)$/.test(name))
    return { axis: 0, sections: config.qkvLayout === 'per-head' ? [query + 2 * key] : [query, key, key] };
  if (/\.dense_h_to_4h\.(weight|bias)$/.test(name))
    return { axis: 0, sections: gated ? [innerSize, innerSize] : [innerSize] };
  if (name.endsWith('.attention.dense.weight')) return { axis: 1, sections: [query] };
  if (name.endsWith('.dense_4h_to_h.weight')) return { axis: 1, sections: [innerSize] };
  return undefined;
}

/** Throws unless a model can be split into so many parts; `where` stands for it in the error. */
export function checkParts({ heads, keyValueHeads = heads, ...config }: GlmConfig, parts: number, where: string): void {
  const sizes = {
    heads,
    'key/value heads': keyValueHeads,
    'inner size': config.innerSize,
    vocabulary: config.vocabSize,
  };
  for (const [what, size] of Object.entries(sizes)) {
    if (size % parts !== 0)
      throw new Error(`${where}: ${what} ${size} cannot be split into ${parts} equal parts. Choose a divisor of it.`);
  }
}

/** Shape of a tensor's part, and of the whole by that of a part. */
export function partShape(shape: readonly number[], split: Split | undefined, parts: number): number[] {
  return shape.map((size, axis) => (axis === split?.axis ? size / parts : size));
}

/** The bytes of part `part` of a tensor, elements of `width` bytes in rows of `columns`. */
export function partOf(
  whole: Uint8Array,
  shape: readonly number[],
  width: number,
  split: Split,
  part: Part,
): Uint8Array {
  const out = new Uint8Array(whole.length / part.of);
  for (const { inWhole, inPart, length } of stretches(shape, width, split, part))
    out.set(whole.subarray(inWhole, inWhole + length), inPart);
  return out;
}

/** Puts the bytes of part `part` where they belong in those of the whole, whose shape is given. */
export function putPart(
  bytes: Uint8Array,
  whole: Uint8Array,
  shape: readonly number[],
  width: number,
  split: Split,
  part: Part,
): void {
  for (const { inWhole, inPart, length } of stretches(shape, width, split, part))
    whole.set(bytes.subarray(inPart, inPart + length), inWhole);
}

export interface Part {
  index: number;
  of: number;
}

/** The stretches of bytes that a part and the whole have in common, one after another in the part. */
function* stretches(shape: readonly number[], width: number, { axis, sections }: Split, { index, of }: Part) {
  const [rows = 1, columns = 1] = shape;
  const lines = axis === 0 ? 1 : rows;
  const unit = axis === 0 ? columns * width : width;
  const line = sections.reduce((sum, size) => sum + size, 0) * unit;
  let inPart = 0;
  for (let at = 0; at < lines; at++) {
    let begin = at * line;
    for (const section of sections) {
      const length = (section / of) * unit;
      yield { inWhole: begin + index * length, inPart, length };
      inPart += length;
      begin += section * unit;
    }
  }
}
