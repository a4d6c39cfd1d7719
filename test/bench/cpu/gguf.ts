/**
 * A GGUF file (version 3, ggml's docs/gguf.md) of llama.cpp's architecture `chatglm` with random weights, as a peer for
 * the same shape in Cloze: RMSNorm, fused queries, keys and values with biases, rotary halves of heads, SwiGLU.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { GlmConfig } from '../../../engine/model/config.ts';
import { attentionWidths } from '../../../engine/model/config.ts';
import { createRandom } from '../../../engine/objective/random.ts';

export type GgufType = 'F32' | 'F16' | 'Q8_0' | 'Q4_0';

/** Number of the type; values in a block; its bytes: a scale in float16, then whole numbers. */
const TYPES: Readonly<Record<GgufType, { id: number; values: number; bytes: number; file: number }>> = {
  F32: { id: 0, values: 1, bytes: 4, file: 0 },
  F16: { id: 1, values: 1, bytes: 2, file: 1 },
  Q4_0: { id: 2, values: 32, bytes: 18, file: 2 },
  Q8_0: { id: 8, values: 32, bytes: 34, file: 7 },
};
const ALIGNMENT = 32;

/** Matrices take `type`, embedding and head of a 4-bit file `Q8_0` as in Cloze's int4; norms and biases are F32. */
export function writeGguf(path: string, config: GlmConfig, type: GgufType): void {
  const { hiddenSize: C, innerSize: F, layers, heads, vocabSize: V } = config;
  const { keyValueHeads = heads, rotarySize = C / heads, maxLength, layerNormEpsilon } = config;
  const { query, key } = attentionWidths(config);
  const ofVocabulary: GgufType = type === 'Q4_0' ? 'Q8_0' : type;
  const tensors: { name: string; sizes: number[]; type: GgufType }[] = [
    { name: 'token_embd.weight', sizes: [C, V], type: ofVocabulary },
    { name: 'output_norm.weight', sizes: [C], type: 'F32' },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const matrix = (name: string, columns: number, rows: number) => ({
      name: `blk.${layer}.${name}.weight`,
      sizes: [columns, rows],
      type,
    });
    const vector = (name: string, size: number) => ({
      name: `blk.${layer}.${name}`,
      sizes: [size],
      type: 'F32' as const,
    });
    tensors.push(
      vector('attn_norm.weight', C),
      matrix('attn_qkv', C, query + 2 * key),
      vector('attn_qkv.bias', query + 2 * key),
      matrix('attn_output', query, C),
      vector('ffn_norm.weight', C),
      matrix('ffn_up', C, 2 * F),
      matrix('ffn_down', F, C),
    );
  }

  // SentencePiece's order: three special pieces, all bytes, pieces. 1 is a usual token, 2 unknown, 3 control, 6 a byte.
  const hexadecimal = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0');
  const pieces = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, byte) => `<0x${hexadecimal(byte)}>`)];
  const tokens = Array.from({ length: V }, (_, id) => pieces[id] ?? `t${id}`);
  const kinds = tokens.map((_, id) => [2, 3, 3][id] ?? (id < pieces.length ? 6 : 1));
  const values: [key: string, type: number, value: Buffer][] = [
    ['general.architecture', 8, text('chatglm')],
    ['general.name', 8, text('random')],
    ['general.file_type', 4, uint32(TYPES[type].file)],
    ['chatglm.context_length', 4, uint32(maxLength)],
    ['chatglm.embedding_length', 4, uint32(C)],
    ['chatglm.feed_forward_length', 4, uint32(F)],
    ['chatglm.block_count', 4, uint32(layers)],
    ['chatglm.attention.head_count', 4, uint32(heads)],
    ['chatglm.attention.head_count_kv', 4, uint32(keyValueHeads)],
    ['chatglm.attention.layer_norm_rms_epsilon', 6, float32(layerNormEpsilon)],
    ['chatglm.rope.dimension_count', 4, uint32(rotarySize)],
    ['tokenizer.ggml.model', 8, text('llama')],
    ['tokenizer.ggml.tokens', 9, list(8, tokens.map(text))],
    [
      'tokenizer.ggml.scores',
      9,
      list(
        6,
        tokens.map((_, id) => float32(-id)),
      ),
    ],
    ['tokenizer.ggml.token_type', 9, list(5, kinds.map(uint32))],
    ['tokenizer.ggml.bos_token_id', 4, uint32(1)],
    ['tokenizer.ggml.eos_token_id', 4, uint32(2)],
  ];

  let end = 0;
  const infos = tensors.map(({ name, sizes, type: own }) => {
    const at = end;
    end = aligned(at + bytesOf(sizes, own));
    return Buffer.concat([text(name), uint32(sizes.length), ...sizes.map(uint64), uint32(TYPES[own].id), uint64(at)]);
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    uint32(3),
    uint64(tensors.length),
    uint64(values.length),
    ...values.flatMap(([name, kind, value]) => [text(name), uint32(kind), value]),
    ...infos,
  ]);

  const file = openSync(path, 'w');
  try {
    writeSync(file, Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length)]));
    const drawn = new Map<string, Buffer>();
    for (const { name, sizes, type: own } of tensors) {
      const gain = name.endsWith('norm.weight');
      const source = drawn.get(`${own}${gain}`) ?? (gain ? ones() : randomBlocks(own));
      drawn.set(`${own}${gain}`, source);
      const bytes = bytesOf(sizes, own);
      for (let left = bytes; left > 0; left -= source.length) writeSync(file, source, 0, Math.min(left, source.length));
      writeSync(file, Buffer.alloc(aligned(bytes) - bytes));
    }
  } finally {
    closeSync(file);
  }
}

/** About 256,000 values of -0.04 … 0.04, which a tensor repeats. */
function randomBlocks(type: GgufType): Buffer {
  const random = createRandom(11);
  const { values, bytes } = TYPES[type];
  const blocks = Buffer.alloc(Math.floor(262_144 / values) * bytes);
  for (let at = 0; at < blocks.length; at += bytes) {
    if (type === 'F32') blocks.writeFloatLE((random.float() - 0.5) * 0.08, at);
    // In float16: a sign, and 2^-6 to 2^-5.
    else if (type === 'F16') blocks.writeUInt16LE((random.below(2) << 15) | 0x2400 | random.below(1024), at);
    else {
      // A scale of 2^-8 with 4 bits, of 2^-12 with 8.
      blocks.writeUInt16LE(type === 'Q4_0' ? 0x1c00 : 0x0c00, at);
      for (let i = 2; i < bytes; i++) blocks.writeUInt8(random.below(256), at + i);
    }
  }
  return blocks;
}

function ones(): Buffer {
  return Buffer.from(new Float32Array(65_536).fill(1).buffer);
}

function bytesOf(sizes: readonly number[], type: GgufType): number {
  const { values, bytes } = TYPES[type];
  return (sizes.reduce((product, size) => product * size, 1) / values) * bytes;
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function list(kind: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([uint32(kind), uint64(items.length), ...items]);
}
