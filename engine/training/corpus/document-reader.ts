/** Reads documents out of the packages' text files; each file is opened once. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface DocumentPlace {
  textFile: string;
  offset: number;
  length: number;
}

export class DocumentReader {
  readonly #files = new Map<string, number>();

  /** The UTF-8 bytes of a document. Throws when the text file is missing or shorter than its index says. */
  bytes({ textFile, offset, length }: DocumentPlace): Uint8Array {
    const bytes = new Uint8Array(length);
    const read = readSync(this.#open(textFile), bytes, 0, length, offset);
    if (read !== length) {
      throw new Error(`${textFile} ends before byte ${offset + length}: delete it with its .jsonl file and run again.`);
    }
    return bytes;
  }

  text(place: DocumentPlace): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes(place));
  }

  dispose(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  #open(textFile: string): number {
    let file = this.#files.get(textFile);
    if (file === undefined) {
      file = openSync(textFile, 'r');
      this.#files.set(textFile, file);
    }
    return file;
  }
}
