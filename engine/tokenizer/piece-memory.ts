/** What pieces of text were encoded to, remembered. */

/** Two generations of a map: when the younger is full the older is forgotten, and what is asked for moves up. */
export class PieceMemory {
  readonly #capacity: number;
  #younger = new Map<string, readonly number[]>();
  #older = new Map<string, readonly number[]>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(piece: string): readonly number[] | undefined {
    const found = this.#younger.get(piece);
    if (found !== undefined) return found;
    const earlier = this.#older.get(piece);
    if (earlier !== undefined) this.set(piece, earlier);
    return earlier;
  }

  set(piece: string, ids: readonly number[]): void {
    if (this.#younger.size >= this.#capacity / 2) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(piece, ids);
  }
}
