/** Damages a file as accidents and attackers do, by a seed. */
import { createRandom, type Random } from '../../engine/objective/random.ts';

/** Numbers that readers trip over. */
const VALUES = [
  '-1',
  '0',
  '1e309',
  '4294967296',
  '9007199254740993',
  '2147483647',
  'null',
  'true',
  '"x"',
  '[]',
  '{}',
  '0.5',
];
const STRINGS = ['"../x"', '"__proto__"', '"constructor"', '""', '"/etc/passwd"', '7', 'null'];
const EXTREMES = [0x00, 0xff, 0x7f, 0x80];

/** One to three changes; `text` also puts other values in the place of JSON's numbers and strings. */
export function mutated(bytes: Buffer, seed: number, text: boolean): Buffer {
  const random = createRandom(seed);
  let changed: Buffer = Buffer.from(bytes);
  for (let changes = 1 + random.below(3); changes > 0; changes--) changed = change(changed, random, text);
  return changed;
}

function change(bytes: Buffer, random: Random, text: boolean): Buffer {
  if (bytes.length === 0) return Buffer.from([random.below(256)]);
  // Headers and directories lie at the ends, where a change says most.
  const span = random.below(3) === 0 ? bytes.length : Math.min(bytes.length, 2048);
  const at = random.below(2) === 0 ? random.below(span) : bytes.length - 1 - random.below(span);
  const length = 1 + random.below(Math.min(64, bytes.length - at));
  const spliced = (remove: number, ...insert: Uint8Array[]) =>
    Buffer.concat([bytes.subarray(0, at), ...insert, bytes.subarray(at + remove)]);
  switch (random.below(text ? 9 : 7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return spliced(length);
    case 2:
      return spliced(0, bytes.subarray(at, at + length));
    case 3:
      return spliced(length, Buffer.alloc(length, EXTREMES[random.below(EXTREMES.length)]));
    case 4:
      return spliced(0, Buffer.from(Array.from({ length }, () => random.below(256))));
    case 5:
    case 6:
      return spliced(1, Buffer.from([(bytes[at] as number) ^ (1 << random.below(8))]));
    case 7:
      return replaced(bytes, /-?\d+(\.\d+)?/g, VALUES, random);
    default:
      return replaced(bytes, /"[^"]{0,200}"/g, STRINGS, random);
  }
}

function replaced(bytes: Buffer, pattern: RegExp, values: readonly string[], random: Random): Buffer {
  const text = bytes.toString('latin1');
  const found = [...text.matchAll(pattern)];
  const match = found[random.below(Math.max(1, found.length))];
  if (!match) return bytes;
  const value = values[random.below(values.length)] as string;
  return Buffer.from(text.slice(0, match.index) + value + text.slice(match.index + match[0].length), 'latin1');
}
