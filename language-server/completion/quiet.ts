/**
 * When a completion that nobody asked for by hand would be in the way: while the user snoozes, and at a version of a
 * document that an undo, a redo or a deletion made, since whoever takes text back is not looking for more.
 */
import type { TextDocument, TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';
import type { Decision, SnoozeParams, UndoneParams } from '../protocol.ts';

/** How documents come about and change: what the library's `TextDocuments` is made with. */
export interface Documents {
  create(uri: string, languageId: string, version: number, content: string): TextDocument;
  update(document: TextDocument, changes: TextDocumentContentChangeEvent[], version: number): TextDocument;
}

export interface Quiet {
  /** Keeps documents in step with the editor as `documents` does, and an eye on what each change was. */
  watching(documents: Documents): Documents;
  undone(params: Partial<UndoneParams> | null): void;
  snooze(params: Partial<SnoozeParams> | null): void;
  /** Why there is nothing to show at the document's present version unless it is asked for by hand. */
  reason(document: TextDocument): Extract<Decision, 'snoozed' | 'undone' | 'deleted'> | undefined;
  forget(uri: string): void;
}

export function createQuiet(now: () => number = Date.now): Quiet {
  /** The versions that were made by taking back or repeating, and by deleting. */
  const undone = new Map<string, number>();
  const deleted = new Map<string, number>();
  let until = 0;
  return {
    watching: (documents) => ({
      create: documents.create,
      update(document, changes, version) {
        const deletes = changes.length > 0 && changes.every((change) => 'range' in change && change.text === '');
        if (deletes) deleted.set(document.uri, version);
        return documents.update(document, changes, version);
      },
    }),
    undone(params) {
      const { uri, version } = params?.textDocument ?? {};
      if (typeof uri === 'string' && typeof version === 'number') undone.set(uri, version);
    },
    snooze(params) {
      until = typeof params?.until === 'number' ? params.until : 0;
    },
    reason({ uri, version }) {
      if (now() < until) return 'snoozed';
      if (undone.get(uri) === version) return 'undone';
      return deleted.get(uri) === version ? 'deleted' : undefined;
    },
    forget(uri) {
      undone.delete(uri);
      deleted.delete(uri);
    },
  };
}
