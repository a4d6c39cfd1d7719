/**
 * GPT-2's printable stand-ins for the 256 bytes, in which byte-level BPE vocabularies are written: printable Latin-1
 * stands for itself, the rest is shifted to U+0100 onwards.
 */
function buildByteToChar(): string[] {
  const chars: string[] = [];
  let shifted = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    chars.push(String.fromCharCode(printable ? byte : 0x100 + shifted));
    if (!printable) shifted++;
  }
  return chars;
}

export const byteToChar: readonly string[] = buildByteToChar();

const charToByte = new Map(byteToChar.map((char, byte) => [char, byte]));

/** The bytes that a vocabulary entry stands for; undefined when it has a character that stands for none. */
export function bytesOfEntry(entry: string): Uint8Array | undefined {
  const bytes = new Uint8Array(entry.length);
  for (let i = 0; i < entry.length; i++) {
    const byte = charToByte.get(entry.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

export function entryOfBytes(bytes: Iterable<number>): string {
  let entry = '';
  for (const byte of bytes) entry += byteToChar[byte];
  return entry;
}
