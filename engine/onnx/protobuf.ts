/**
 * The little of Protocol Buffers that an ONNX file needs: messages of numbers, strings, bytes and other messages,
 * written field by field. https://protobuf.dev/programming-guides/encoding
 */

/** Wire types. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

export interface Message {
  /** int32, int64 and enum fields. */
  int(field: number, value: number): Message;
  float(field: number, value: number): Message;
  /** A string, bytes or a finished message. */
  bytes(field: number, value: string | Uint8Array): Message;
  finish(): Uint8Array;
}

export function message(): Message {
  const parts: Uint8Array[] = [];
  const writer: Message = {
    int(field, value) {
      parts.push(varint(field * 8 + VARINT), varint(value));
      return writer;
    },
    float(field, value) {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setFloat32(0, value, true);
      parts.push(varint(field * 8 + FIXED_32), bytes);
      return writer;
    },
    bytes(field, value) {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      parts.push(varint(field * 8 + LENGTH_DELIMITED), varint(bytes.length), bytes);
      return writer;
    },
    finish: () => Buffer.concat(parts),
  };
  return writer;
}

/** Seven bits a byte, the lowest first; negative numbers as 64 bits of two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
