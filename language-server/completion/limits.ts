/** Documents and places that get no completion because of what they are, and why; said in words for the log. */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Place } from './place.ts';

/** Two million characters: beyond it a document is data, and copying it at each keystroke would be felt. */
const MAX_DOCUMENT = 2 * 1024 * 1024;
/** A longer line is minified code or data; a model trained on source has nothing to say there. */
const MAX_LINE = 10_000;

export function documentLimit(document: TextDocument): string | undefined {
  const text = document.getText();
  if (text.length > MAX_DOCUMENT) {
    return `it has ${text.length} characters, more than the limit of ${MAX_DOCUMENT}`;
  }
  if (text.includes('\0')) return 'it contains NUL characters, so it is taken for a binary file';
  return undefined;
}

export function placeLimit(place: Place): string | undefined {
  const length = place.left.length + place.right.length;
  return length > MAX_LINE
    ? `the line at the cursor has ${length} characters, more than the limit of ${MAX_LINE}`
    : undefined;
}
