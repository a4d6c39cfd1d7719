/**
 * A notebook is one text: what stands in the cells above and below a cell belongs to what the model reads around a blank in
 * it. Prose stands as comments. Cells in another language than the cell's own are left out.
 */
import { type Connection, NotebookCellKind, NotebookDocuments, type TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { NO_SURROUNDINGS, type Surroundings, unixLines } from './completion/place.ts';
import { commentLine } from './fill/instruction.ts';

export interface Notebooks {
  listen(connection: Connection): void;
  around(uri: string): Surroundings;
}

/** Cells are kept among the other documents. */
export function createNotebooks(documents: TextDocuments<TextDocument>): Notebooks {
  const notebooks = new NotebookDocuments(documents);

  function textOf(uri: string, kind: NotebookCellKind, languageId: string): string {
    const document = documents.get(uri);
    const text = unixLines(document?.getText() ?? '').trimEnd();
    if (kind === NotebookCellKind.Code) return document?.languageId === languageId ? text : '';
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => commentLine(languageId, line)).join('\n');
  }

  return {
    listen: (connection) => void notebooks.listen(connection),
    around(uri) {
      const cells = notebooks.findNotebookDocumentForCell(uri)?.cells ?? [];
      const at = cells.findIndex((cell) => cell.document === uri);
      const languageId = documents.get(uri)?.languageId;
      if (at < 0 || languageId === undefined) return NO_SURROUNDINGS;
      const texts = cells.map(({ document, kind }) => (document === uri ? '' : textOf(document, kind, languageId)));
      const joined = (some: readonly string[]) => some.filter((text) => text !== '');
      const above = joined(texts.slice(0, at));
      const below = joined(texts.slice(at + 1));
      return {
        before: above.map((text) => `${text}\n\n`).join(''),
        after: below.map((text) => `\n\n${text}`).join(''),
      };
    },
  };
}
