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

/** By the code of a character; -1 for one that stands for no byte. */
const byteOfCode = new Int16Array(0x180).fill(-1);
for (const [byte, char] of byteToChar.entries()) byteOfCode[char.charCodeAt(0)] = byte;

/** The bytes that a vocabulary entry stands for; undefined when it has a character that stands for none. */
export function bytesOfEntry(entry: string): Uint8Array | undefined {
  const bytes = new Uint8Array(entry.length);
  for (let i = 0; i < entry.length; i++) {
    const byte = byteOfCode[entry.charCodeAt(i)] ?? -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Whether `bytesOfEntry` has bytes for it. */
export function isEntry(entry: string): boolean {
  for (let i = 0; i < entry.length; i++) if ((byteOfCode[entry.charCodeAt(i)] ?? -1) < 0) return false;
  return true;
}

/** The same bytes as `bytesOfEntry`, of what is an entry, into `bytes` from `at` on. */
export function writeEntry(entry: string, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < entry.length; i++) bytes[at + i] = byteOfCode[entry.charCodeAt(i)] as number;
}

export function entryOfBytes(bytes: Iterable<number>): string {
  let entry = '';
  for (const byte of bytes) entry += byteToChar[byte];
  return entry;
}
