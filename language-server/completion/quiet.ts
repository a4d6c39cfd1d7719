/**
 * When a completion that nobody asked for by hand would be in the way: while the user snoozes, and at a version of a
 * document that an undo, a redo or a deletion made, since whoever takes text back is not looking for more.
 */
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Decision, SnoozeParams, UndoneParams } from '../protocol.ts';

export interface Quiet {
  /** Keeps documents in step with the editor, and an eye on what each change was. */
  readonly configuration: {
    create: typeof TextDocument.create;
    update: typeof TextDocument.update;
  };
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
    configuration: {
      create: TextDocument.create,
      update(document, changes, version) {
        const deletes = changes.length > 0 && changes.every((change) => 'range' in change && change.text === '');
        if (deletes) deleted.set(document.uri, version);
        return TextDocument.update(document, changes, version);
      },
    },
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
