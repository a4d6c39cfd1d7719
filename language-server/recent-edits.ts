/**
 * What the user changed a moment ago, elsewhere: some lines around each place of editing, kept once the editing has gone on
 * to another place, also when their document is closed. In memory only, and few.
 */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Documents } from './completion/quiet.ts';

/** Lines kept on either side of a change. */
const LINES_AROUND = 12;
/** A change so many lines away is at another place. */
const ELSEWHERE = 32;
const MOST_CHUNKS = 16;
const LONGEST_LINE = 400;

export interface RecentChunk {
  uri: string;
  languageId: string;
  text: string;
  /** The line of the change when it was made. */
  line: number;
}

export interface RecentEdits {
  /** Keeps documents in step with the editor as `documents` does, and an eye on where each change was. */
  watching(documents: Documents): Documents;
  /** The newest first. */
  chunks(): readonly RecentChunk[];
}

export function createRecentEdits(): RecentEdits {
  let chunks: RecentChunk[] = [];
  /** Where the user is editing. */
  let current: { document: TextDocument; line: number } | undefined;

  function leave(): void {
    if (!current) return;
    const { document, line } = current;
    const text = linesAround(document, line);
    const { uri, languageId } = document;
    chunks = chunks.filter((chunk) => chunk.uri !== uri || Math.abs(chunk.line - line) > ELSEWHERE);
    if (text.trim() !== '') chunks.unshift({ uri, languageId, text, line });
    chunks = chunks.slice(0, MOST_CHUNKS);
  }

  return {
    watching: (documents) => ({
      create: documents.create,
      update(document, changes, at) {
        const last = changes.at(-1);
        const line = last && 'range' in last ? last.range.start.line : undefined;
        const elsewhere = current?.document !== document || Math.abs(current.line - (line ?? current.line)) > ELSEWHERE;
        if (line !== undefined && current && elsewhere) leave();
        const updated = documents.update(document, changes, at);
        // The line of the last change, so that a place that grows is followed.
        if (line !== undefined) current = { document: updated, line };
        return updated;
      },
    }),
    chunks: () => chunks,
  };
}

function linesAround(document: TextDocument, line: number): string {
  const range = {
    start: { line: Math.max(0, line - LINES_AROUND), character: 0 },
    end: { line: line + LINES_AROUND, character: 0 },
  };
  const lines = document.getText(range).split(/\r\n?|\n/);
  return lines.some((each) => each.length > LONGEST_LINE) ? '' : lines.join('\n').trimEnd();
}
