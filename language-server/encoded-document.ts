/**
 * Documents for clients that count a line's characters in bytes (UTF-8) or in code points (UTF-32) instead of UTF-16
 * units. Positions are translated here, at the border; everything within the server counts offsets in UTF-16 units.
 */
import { type Position, PositionEncodingKind, type Range } from 'vscode-languageserver';
import { TextDocument, type TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';

const SUPPORTED: readonly string[] = [
  PositionEncodingKind.UTF16,
  PositionEncodingKind.UTF8,
  PositionEncodingKind.UTF32,
] satisfies PositionEncodingKind[];

/** The first encoding of the client's list that is known; UTF-16, which every client must support, without a list. */
export function chooseEncoding(offered: readonly string[] | undefined): PositionEncodingKind {
  return offered?.find((encoding) => SUPPORTED.includes(encoding)) ?? PositionEncodingKind.UTF16;
}

/** How documents are made and changed; `encoding` is asked for each, since it is agreed on only when a client comes. */
export function encodedDocuments(encoding: () => PositionEncodingKind) {
  return {
    create(uri: string, languageId: string, version: number, content: string): TextDocument {
      const document = TextDocument.create(uri, languageId, version, content);
      return encoding() === PositionEncodingKind.UTF16 ? document : new EncodedDocument(document, encoding());
    },
    update(document: TextDocument, changes: TextDocumentContentChangeEvent[], version: number): TextDocument {
      if (document instanceof EncodedDocument) document.update(changes, version);
      else TextDocument.update(document, changes, version);
      return document;
    },
  };
}

class EncodedDocument implements TextDocument {
  readonly #inner: TextDocument;
  readonly #encoding: PositionEncodingKind;

  constructor(inner: TextDocument, encoding: PositionEncodingKind) {
    this.#inner = inner;
    this.#encoding = encoding;
  }

  get uri(): string {
    return this.#inner.uri;
  }
  get languageId(): string {
    return this.#inner.languageId;
  }
  get version(): number {
    return this.#inner.version;
  }
  get lineCount(): number {
    return this.#inner.lineCount;
  }

  getText(range?: Range): string {
    return this.#inner.getText(range && this.#decoded(range));
  }

  getEOLCharacters(line: number): string {
    return this.#inner.getEOLCharacters(line);
  }

  getLineRange(line: number): Range {
    const { start, end } = this.#inner.getLineRange(line);
    return { start: this.positionAt(this.#inner.offsetAt(start)), end: this.positionAt(this.#inner.offsetAt(end)) };
  }

  offsetAt(position: Position): number {
    return this.#inner.offsetAt(this.#decode(position));
  }

  positionAt(offset: number): Position {
    const { line, character } = this.#inner.positionAt(offset);
    const before = this.#inner.getText({ start: { line, character: 0 }, end: { line, character } });
    return { line, character: lengthIn(before, this.#encoding) };
  }

  /** Each change counts from the text that the one before it left. */
  update(changes: readonly TextDocumentContentChangeEvent[], version: number): void {
    for (const change of changes) {
      const decoded = 'range' in change ? { range: this.#decoded(change.range), text: change.text } : change;
      TextDocument.update(this.#inner, [decoded], version);
    }
  }

  #decoded({ start, end }: Range): Range {
    return { start: this.#decode(start), end: this.#decode(end) };
  }

  /** A position within a character counts as before it; beyond the end of a line it is left to be clamped. */
  #decode({ line, character }: Position): Position {
    const text = this.#inner.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } });
    let [units, counted] = [0, 0];
    for (const point of text) {
      const next = counted + lengthIn(point, this.#encoding);
      if (next > character) return { line, character: units };
      units += point.length;
      counted = next;
    }
    return { line, character: units + Math.max(0, character - counted) };
  }
}

function lengthIn(text: string, encoding: PositionEncodingKind): number {
  return encoding === PositionEncodingKind.UTF8 ? Buffer.byteLength(text) : [...text].length;
}
