/** The fills that wait for the user's decision, one for each document, and the only hand that changes their text. */
import {
  commands,
  Disposable,
  Range,
  Selection,
  type TextDocument,
  TextDocumentChangeReason,
  TextEditorRevealType,
  WorkspaceEdit,
  window,
  workspace,
} from 'vscode';
import { createPreview } from './preview.ts';
import { blankAt, type Edit, followChange, type SessionBlank, undecided } from './session.ts';

/** True while a fill waits for the user's decision in the active editor: the keys of a session depend on it. */
const ACTIVE = 'cloze.fillActive';

export interface Session {
  document: TextDocument;
  blanks: SessionBlank[];
  /** What the user wants of it, in words; empty for nothing. */
  instruction: string;
  /** The model filled its blanks one by one, instead of all together. */
  oneByOne: boolean;
}

/** Texts of one document and where its blanks are once they stand there. */
export interface Filled {
  session: Session;
  edits: readonly Edit[];
}

export interface Board extends Disposable {
  sessions(): readonly Session[];
  /** Puts first texts into documents, one undo step for all of them; false when a document cannot be changed. */
  begin(filled: readonly Filled[]): Promise<boolean>;
  /** Goes on in a document's undo step; false when it cannot be changed. */
  goOn(filled: Filled): Promise<boolean>;
  /** A session without undecided blanks is over. */
  update(session: Session): void;
  /** Ends all sessions; their texts stay. */
  clear(): void;
  /** The session of a document, or of the active editor, with the blank that is meant: by its id, or at the cursor. */
  find(id: unknown, uri: unknown): { session: Session; blank: SessionBlank } | undefined;
}

export function createBoard(): Board {
  const preview = createPreview();
  let sessions: Session[] = [];
  /** Our own edits are not the user's. */
  let applying = false;

  function show(next: Session[]): void {
    sessions = next.filter(({ blanks }) => undecided(blanks).length > 0);
    preview.show(sessions);
    tellContext();
  }

  function tellContext(): void {
    const document = window.activeTextEditor?.document;
    void commands.executeCommand(
      'setContext',
      ACTIVE,
      sessions.some((session) => session.document === document),
    );
  }

  function update(session: Session): void {
    show([...sessions.filter(({ document }) => document !== session.document), session]);
  }

  async function change(work: () => Thenable<boolean>): Promise<boolean> {
    applying = true;
    try {
      return await work();
    } finally {
      applying = false;
    }
  }

  /** By the document's editor where it has one, since only editors can join what they change to an undo step. */
  function edit({ session: { document }, edits }: Filled, undoStopBefore: boolean): Promise<boolean> {
    if (edits.length === 0) return Promise.resolve(true);
    const editor = editorOf(document);
    if (!editor) return across([{ session: { document, blanks: [], instruction: '', oneByOne: false }, edits }]);
    return change(() =>
      editor.edit(
        (builder) => {
          for (const { start, end, text } of edits) builder.replace(rangeIn(document, start, end), text);
        },
        { undoStopBefore, undoStopAfter: false },
      ),
    );
  }

  function across(filled: readonly Filled[]): Promise<boolean> {
    const all = new WorkspaceEdit();
    for (const { session, edits } of filled) {
      for (const { start, end, text } of edits) {
        all.replace(session.document.uri, rangeIn(session.document, start, end), text);
      }
    }
    return change(() => workspace.applyEdit(all));
  }

  const events = [
    window.onDidChangeActiveTextEditor(tellContext),
    workspace.onDidCloseTextDocument((closed) => show(sessions.filter(({ document }) => document !== closed))),
    workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
      const session = sessions.find((each) => each.document === document);
      if (applying || !session || contentChanges.length === 0) return;
      if (reason === TextDocumentChangeReason.Undo) return show(sessions.filter((each) => each !== session));
      let { blanks } = session;
      // The changes of one event do not overlap; from the last to the first, their offsets hold for the old text.
      for (const { rangeOffset: start, rangeLength, text } of contentChanges.toSorted(
        (a, b) => b.rangeOffset - a.rangeOffset,
      )) {
        blanks = followChange(blanks, { start, end: start + rangeLength, length: text.length });
      }
      update({ ...session, blanks });
    }),
  ];

  return {
    sessions: () => sessions,
    async begin(filled) {
      const [only] = filled;
      const done = filled.length === 1 && only ? await edit(only, true) : await across(filled);
      if (done) {
        show(filled.map(({ session }) => session));
        reveal(filled[0]?.session);
      }
      return done;
    },
    async goOn(filled) {
      const done = await edit(filled, false);
      if (done) update(filled.session);
      return done;
    },
    update,
    clear: () => show([]),
    find(id, uri) {
      const active = window.activeTextEditor?.document;
      const session =
        sessions.find(({ document }) =>
          typeof uri === 'string' ? document.uri.toString() === uri : document === active,
        ) ?? sessions[0];
      if (!session) return undefined;
      const editor = editorOf(session.document);
      const offset = editor ? session.document.offsetAt(editor.selection.active) : 0;
      const blank =
        session.blanks.find((each) => each.id === id) ??
        blankAt(undecided(session.blanks), offset) ??
        session.blanks[0];
      return blank && { session, blank };
    },
    dispose() {
      Disposable.from(preview, ...events).dispose();
    },
  };
}

function reveal(session: Session | undefined): void {
  const editor = session && editorOf(session.document);
  const first = session?.blanks.find(({ state }) => state === 'filled');
  if (!editor || !first) return;
  const end = session.document.positionAt(first.end);
  editor.selection = new Selection(end, end);
  editor.revealRange(editor.selection, TextEditorRevealType.InCenterIfOutsideViewport);
}

function editorOf(document: TextDocument) {
  return window.visibleTextEditors.find((editor) => editor.document === document);
}

function rangeIn(document: TextDocument, start: number, end: number): Range {
  return new Range(document.positionAt(start), document.positionAt(end));
}
