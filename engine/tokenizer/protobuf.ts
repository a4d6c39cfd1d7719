/** Reads protocol buffers as far as SentencePiece's models use them. https://protobuf.dev/programming-guides/encoding/ */

export interface ProtobufField {
  number: number;
  /** A varint, the bits of a fixed32, or bytes. */
  value: number | Uint8Array<ArrayBuffer>;
}

/** Walks the fields of a message in their order. Throws on anything cut short or not of this format. */
export function* protobufFields(bytes: Uint8Array<ArrayBuffer>): Generator<ProtobufField> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('a number is cut short');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number is too long');
  };
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    if (!(at + length <= bytes.length)) throw new Error('a field reaches beyond the end');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8) };
        break;
      case 2:
        yield { number, value: take(varint()) };
        break;
      case 5: {
        const four = take(4);
        yield { number, value: new DataView(four.buffer, four.byteOffset).getUint32(0, true) };
        break;
      }
      default:
        throw new Error(`a field has the unknown type ${key % 8}`);
    }
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** A float from the bits of a fixed32. */
export function protobufFloat(value: ProtobufField['value']): number {
  if (typeof value !== 'number' || value >= 2 ** 32) throw new Error('a number has the wrong type');
  scratch.setUint32(0, value);
  return scratch.getFloat32(0);
}

export function protobufNumber(value: ProtobufField['value']): number {
  if (typeof value !== 'number') throw new Error('a number has the wrong type');
  return value;
}

export function protobufBytes(value: ProtobufField['value']): Uint8Array<ArrayBuffer> {
  if (typeof value === 'number') throw new Error('a text has the wrong type');
  return value;
}
