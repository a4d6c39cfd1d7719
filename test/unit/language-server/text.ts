/** Documents written with `|` at the cursor. */
import { TextDocument } from 'vscode-languageserver-textdocument';
import { locate, type Place } from '../../../language-server/completion/place.ts';

export function documentAt(marked: string, uri = 'file:///project/source.ts', languageId = 'typescript') {
  const offset = marked.indexOf('|');
  const document = TextDocument.create(uri, languageId, 1, marked.slice(0, offset) + marked.slice(offset + 1));
  return { document, position: document.positionAt(offset) };
}

export function placeAt(marked: string, uri?: string): Place {
  const { document, position } = documentAt(marked, uri);
  return locate(document, position);
}
