/** All that the server knows of what is open in the editor: the documents in step with it, and what stands around a place. */
import { type Connection, type PositionEncodingKind, TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { createQuiet, type Quiet } from './completion/quiet.ts';
import { createDeclarations, type Declarations } from './declarations.ts';
import { encodedDocuments } from './encoded-document.ts';
import { createIndentations, type Indentations } from './indentations.ts';
import { createNeighbours, type Neighbours } from './neighbours.ts';
import { createNotebooks, type Notebooks } from './notebooks.ts';
import { createRecentEdits } from './recent-edits.ts';

export interface OpenDocuments {
  documents: TextDocuments<TextDocument>;
  quiet: Quiet;
  declarations: Declarations;
  neighbours: Neighbours;
  around: Notebooks['around'];
  indentations: Indentations;
  indentation: Indentations['of'];
  listen(connection: Connection): void;
}

/** `encoding` is asked for each document, since it is agreed on only when a client comes. */
export function createOpenDocuments(
  encoding: () => PositionEncodingKind,
  pathOf: (uri: string) => string,
): OpenDocuments {
  const quiet = createQuiet();
  const recent = createRecentEdits();
  const documents = new TextDocuments(recent.watching(quiet.watching(encodedDocuments(encoding))));
  const notebooks = createNotebooks(documents);
  const declarations = createDeclarations();
  const indentations = createIndentations();
  documents.onDidClose(({ document }) => {
    quiet.forget(document.uri);
    declarations.forget(document.uri);
    indentations.forget(document.uri);
  });
  return {
    documents,
    quiet,
    declarations,
    neighbours: createNeighbours(pathOf, { recent, declarations: declarations.of }),
    around: notebooks.around,
    indentations,
    indentation: indentations.of,
    listen(connection) {
      documents.listen(connection);
      notebooks.listen(connection);
    },
  };
}
