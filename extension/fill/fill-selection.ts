/**
 * The command Fill Selection and what follows it: one session at a time, in one document. All of its edits make one undo
 * step; it ends when every blank is decided, when the user undoes it, or when its document closes.
 */
import {
  commands,
  Disposable,
  type LogOutputChannel,
  l10n,
  Range,
  Selection,
  type TextDocument,
  TextDocumentChangeReason,
  type TextEditor,
  TextEditorRevealType,
  window,
  workspace,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { type FillLength, MOST_BLANKS } from '../../language-server/protocol.ts';
import { compileHoles } from './holes.ts';
import { createPreview } from './preview.ts';
import { askFill } from './request.ts';
import {
  blankAt,
  type Edit,
  fillTexts,
  followChange,
  keepBlanks,
  openBlanks,
  refillParts,
  rejectBlanks,
  type SessionBlank,
  undecided,
} from './session.ts';
import { blankTargets } from './targets.ts';

/** True while a fill waits for the user's decision in the active editor: the keys of a session depend on it. */
const ACTIVE = 'cloze.fillActive';

interface Session {
  document: TextDocument;
  blanks: SessionBlank[];
}

export function createFillSelection(client: Promise<LanguageClient>, output: LogOutputChannel): Disposable {
  const preview = createPreview();
  let session: Session | undefined;
  /** Our own edits are not the user's. */
  let applying = false;

  function update(next: Session | undefined): void {
    session = next && undecided(next.blanks).length > 0 ? next : undefined;
    preview.show(session);
    tellContext();
  }

  function tellContext(): void {
    const active = session !== undefined && window.activeTextEditor?.document === session.document;
    void commands.executeCommand('setContext', ACTIVE, active);
  }

  async function apply(editor: TextEditor, edits: readonly Edit[], begins: boolean): Promise<boolean> {
    if (edits.length === 0) return true;
    const { document } = editor;
    applying = true;
    try {
      return await editor.edit(
        (builder) => {
          for (const { start, end, text } of edits) {
            builder.replace(new Range(document.positionAt(start), document.positionAt(end)), text);
          }
        },
        { undoStopBefore: begins, undoStopAfter: false },
      );
    } finally {
      applying = false;
    }
  }

  async function fill(): Promise<void> {
    const editor = window.activeTextEditor;
    if (!editor) return tell(l10n.t('There is nothing to fill: no text editor is open.'));
    update(undefined);
    const { document } = editor;
    const settings = workspace.getConfiguration('cloze.fill', document);
    const { patterns, problems } = compileHoles(settings.get<unknown[]>('holes', []));
    for (const problem of problems) output.warn(problem);
    const text = document.getText();
    const selections = editor.selections.map(({ start, end }) => ({
      start: document.offsetAt(start),
      end: document.offsetAt(end),
    }));
    const blanks = openBlanks(text, blankTargets(text, selections, patterns));
    if (blanks.length > MOST_BLANKS) {
      return tell(
        l10n.t('There are {0} blanks here, and at most {1} can be filled at once.', blanks.length, MOST_BLANKS),
      );
    }
    const texts = await ask(document, blanks, []);
    if (texts) await put(editor, blanks, texts, true);
  }

  async function ask(
    document: TextDocument,
    open: readonly SessionBlank[],
    kept: readonly SessionBlank[],
  ): Promise<Map<number, string> | undefined> {
    const length = workspace.getConfiguration('cloze.fill', document).get<FillLength>('length', 'block');
    return askFill(await client, { document, open, kept, length });
  }

  /** Puts the texts into the document and shows them; `begins` a session, or goes on in its undo step. */
  async function put(
    editor: TextEditor,
    blanks: readonly SessionBlank[],
    texts: ReadonlyMap<number, string>,
    begins: boolean,
  ): Promise<void> {
    const { document } = editor;
    const filled = fillTexts(blanks, texts);
    if (filled.edits.length === 0) return tell(l10n.t('The model has nothing to put there.'));
    if (!(await apply(editor, filled.edits, begins))) {
      return tell(l10n.t('The text could not be changed: it is read-only, or it changed meanwhile.'));
    }
    const first = filled.blanks.find(({ state }) => state === 'filled');
    if (begins && first) {
      const end = document.positionAt(first.end);
      editor.selection = new Selection(end, end);
      editor.revealRange(editor.selection, TextEditorRevealType.InCenterIfOutsideViewport);
    }
    update({ document, blanks: filled.blanks });
  }

  /** The session's editor with the blanks that are meant: the one with this id, else the one at the cursor. */
  function chosen(id: unknown): { editor: TextEditor; session: Session; ids: Set<number> } | undefined {
    const editor = window.visibleTextEditors.find(({ document }) => document === session?.document);
    if (!session || !editor) {
      tell(l10n.t('There is no fill to decide about.'));
      return undefined;
    }
    const offset = session.document.offsetAt(editor.selection.active);
    const which = typeof id === 'number' ? id : blankAt(undecided(session.blanks), offset)?.id;
    return { editor, session, ids: new Set(which === undefined ? [] : [which]) };
  }

  async function reject(id: unknown, all: boolean): Promise<void> {
    const choice = chosen(id);
    if (!choice) return;
    const { document, blanks } = choice.session;
    const rejected = rejectBlanks(blanks, all ? new Set(undecided(blanks).map((blank) => blank.id)) : choice.ids);
    if (await apply(choice.editor, rejected.edits, false)) update({ document, blanks: rejected.blanks });
  }

  function keep(id: unknown): void {
    const choice = chosen(id);
    if (choice) update({ ...choice.session, blanks: keepBlanks(choice.session.blanks, choice.ids) });
  }

  /** With an id (from above the line) that blank is kept; else only what was kept or changed before. */
  async function refill(id: unknown): Promise<void> {
    const choice = chosen(id);
    if (!choice) return;
    const { editor, session: current, ids } = choice;
    const settled = current.blanks.some(({ state }) => state === 'kept' || state === 'edited');
    const blanks = typeof id === 'number' || !settled ? keepBlanks(current.blanks, ids) : current.blanks;
    const { open, kept } = refillParts(blanks);
    if (open.length === 0) return tell(l10n.t('All blanks are kept or edited: there is none to refill.'));
    session = { ...current, blanks };
    preview.show(session);
    const texts = await ask(current.document, open, kept);
    // The user may have decided about some of them, or about all, while the others were filled.
    if (texts && session) {
      const still = new Set(refillParts(session.blanks).open.map((blank) => blank.id));
      await put(editor, session.blanks, new Map([...texts].filter(([blank]) => still.has(blank))), false);
    }
    update(session);
  }

  const register = commands.registerCommand;
  return Disposable.from(
    preview,
    register('cloze.fillSelection', fill),
    register('cloze.fill.keep', keep),
    register('cloze.fill.reject', (id) => reject(id, false)),
    register('cloze.fill.keepAll', () => update(undefined)),
    register('cloze.fill.rejectAll', () => reject(undefined, true)),
    register('cloze.fill.refill', refill),
    window.onDidChangeActiveTextEditor(tellContext),
    workspace.onDidCloseTextDocument((document) => {
      if (document === session?.document) update(undefined);
    }),
    workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
      if (applying || document !== session?.document || contentChanges.length === 0) return;
      if (reason === TextDocumentChangeReason.Undo) return update(undefined);
      let { blanks } = session;
      // The changes of one event do not overlap; from the last to the first, their offsets hold for the old text.
      for (const change of contentChanges.toSorted((a, b) => b.rangeOffset - a.rangeOffset)) {
        const { rangeOffset: start, rangeLength, text } = change;
        blanks = followChange(blanks, { start, end: start + rangeLength, length: text.length });
      }
      update({ document, blanks });
    }),
  );
}

function tell(message: string): void {
  void window.showInformationMessage(message);
}
