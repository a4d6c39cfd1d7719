/**
 * How much two texts have in common, from short signatures: MinHash (Broder, "On the resemblance and containment of
 * documents", 1997) over runs of five tokens, and an index that finds similar texts without comparing all pairs, by
 * bands of equal values (Indyk and Motwani, 1998). Nothing is drawn: the same texts always give the same answer.
 */
import { createRandom } from '../../objective/random.ts';

/** Values of a signature: the standard error of a similarity of .8 is .035. */
export const signatureLength = 128;
/** Values of a band: two texts of similarity s meet in one of the 16 with probability 1 - (1 - s^8)^16, .95 for .8. */
const bandLength = 8;
const shingleTokens = 5;
/** Texts of one bucket that are looked at, the newest first, so that a common beginning cannot cost the square of its uses. */
const mostOfBucket = 64;

const multipliers = new Int32Array(signatureLength);
const masks = new Int32Array(signatureLength);
const random = createRandom(1997);
for (let i = 0; i < signatureLength; i++) {
  multipliers[i] = random.below(2 ** 31) * 2 + 1;
  masks[i] = random.below(2 ** 32);
}

/**
 * The signature of a UTF-8 text: for each of 128 orders of all shingles the first one that the text has. Tokens are
 * words and single signs; white space does not count.
 */
export function minHash(text: Uint8Array): Uint32Array {
  const signature = new Uint32Array(signatureLength).fill(0xffffffff);
  const last = new Int32Array(shingleTokens);
  let word = 0;
  let count = 0;
  const end = (token: number): void => {
    last[count++ % shingleTokens] = token;
    if (count < shingleTokens) return;
    addShingle(signature, shingleHash(last, count));
  };
  for (const byte of text) {
    if (isWordByte(byte)) {
      word = Math.imul(word ^ byte, 0x01000193) + 0x9e37;
      continue;
    }
    if (word !== 0) end(word);
    word = 0;
    if (byte > 32) end(byte);
  }
  if (word !== 0) end(word);
  if (count > 0 && count < shingleTokens) addShingle(signature, shingleHash(last, count));
  return signature;
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || (byte >= 48 && byte <= 57) || byte === 95 || byte > 127
  );
}

function shingleHash(last: Int32Array, count: number): number {
  let hash = 0;
  for (let i = 0; i < shingleTokens; i++) hash = mixed(hash ^ (last[(count + i) % shingleTokens] as number));
  return hash;
}

/** The finaliser of MurmurHash3. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function addShingle(signature: Uint32Array, shingle: number): void {
  for (let i = 0; i < signatureLength; i++) {
    const value = Math.imul(shingle ^ (masks[i] as number), multipliers[i] as number) >>> 0;
    if (value < (signature[i] as number)) signature[i] = value;
  }
}

/** The estimated Jaccard similarity of two texts' shingles, 0 … 1. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let equal = 0;
  for (let i = 0; i < signatureLength; i++) if (a[i] === b[i]) equal++;
  return equal / signatureLength;
}

/** Signatures with what they stand for; memory grows with their number only. */
export class SimilarTexts<T> {
  readonly #entries: { value: T; signature: Uint32Array }[] = [];
  /** For each band the newest entry of a bucket. */
  readonly #buckets = Array.from({ length: signatureLength / bandLength }, () => new Map<number, number>());
  /** For each entry and band the next older one of the bucket, -1 where there is none. */
  readonly #older: Int32Array[] = [];

  add(value: T, signature: Uint32Array): void {
    const index = this.#entries.push({ value, signature }) - 1;
    this.#older.push(
      Int32Array.from(this.#buckets, (bucket, band) => {
        const key = bandKey(signature, band);
        const older = bucket.get(key) ?? -1;
        bucket.set(key, index);
        return older;
      }),
    );
  }

  /** What is most like `signature` among what was added, if that is at least `least`. */
  nearest(signature: Uint32Array, least: number): { value: T; similarity: number } | undefined {
    let best: { value: T; similarity: number } | undefined;
    const compared = new Set<number>();
    for (const [band, bucket] of this.#buckets.entries()) {
      let index = bucket.get(bandKey(signature, band)) ?? -1;
      for (let looked = 0; index >= 0 && looked < mostOfBucket; looked++) {
        const entry = this.#entries[index];
        if (entry && !compared.has(index)) {
          compared.add(index);
          const found = similarity(entry.signature, signature);
          if (found >= Math.max(least, best?.similarity ?? 0)) best = { value: entry.value, similarity: found };
        }
        index = this.#older[index]?.[band] ?? -1;
      }
    }
    return best;
  }
}

function bandKey(signature: Uint32Array, band: number): number {
  let key = 0;
  for (let i = band * bandLength; i < (band + 1) * bandLength; i++) key = mixed(key ^ (signature[i] as number));
  return key;
}
