/** The command Fill Selection and what follows it: what is asked of the model, and what the user decides. */
import { commands, Disposable, type LogOutputChannel, l10n, type TextEditor, window, workspace } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { type FillLength, type FillOrder, MOST_BLANKS } from '../../language-server/protocol.ts';
import { type Board, createBoard, type Filled, type Session } from './board.ts';
import { narrow, widen } from './border.ts';
import { compileHoles, findHoles } from './holes.ts';
import { pickAction } from './more.ts';
import { askFill, type FilledTexts } from './request.ts';
import {
  fillTexts,
  keepBlanks,
  openBlanks,
  refillParts,
  rejectBlanks,
  type SessionBlank,
  stillWaits,
  undecided,
} from './session.ts';
import { blankTargets } from './targets.ts';

/** Draws of other candidates before it is said that there is no other. */
const MOST_DRAWS = 4;

export function createFillSelection(client: Promise<LanguageClient>, output: LogOutputChannel): Disposable {
  const board = createBoard();

  /** Fills blanks in these editors together; the text of each document sees the places in the others. */
  async function fill(editors: readonly TextEditor[], instruction: string): Promise<void> {
    if (editors.length === 0) return tell(l10n.t('There is nothing to fill: no text editor is open.'));
    board.clear();
    const several = editors.length > 1;
    const sessions = editors
      .map(({ document, selections }): Session => {
        const text = document.getText();
        const chosen = selections.map(({ start, end }) => ({
          start: document.offsetAt(start),
          end: document.offsetAt(end),
        }));
        // Among several files a mere cursor means all holes of its file, not a blank where it stands.
        const whole = several && chosen.every(({ start, end }) => start === end);
        const patterns = patternsFor(document);
        const targets = whole ? findHoles(text, patterns) : blankTargets(text, chosen, patterns);
        return { document, blanks: openBlanks(text, targets), instruction, oneByOne: false };
      })
      .filter(({ blanks }) => blanks.length > 0);
    if (sessions.length === 0) return tell(l10n.t('There is nothing to fill: no hole and no selection was found.'));
    const most = Math.max(...sessions.map(({ blanks }) => blanks.length));
    if (most > MOST_BLANKS) {
      return tell(l10n.t('There are {0} blanks here, and at most {1} can be filled at once.', most, MOST_BLANKS));
    }
    const filled: Filled[] = [];
    for (const session of sessions) {
      const answer = await ask(session, session.blanks, sessions);
      if (!answer) return;
      const { blanks, edits } = fillTexts(session.blanks, answer.texts);
      const { oneByOne } = answer;
      if (edits.length > 0) filled.push({ session: { ...session, blanks, oneByOne }, edits });
    }
    if (filled.length === 0) return tell(l10n.t('The model has nothing to put there.'));
    if (!(await board.begin(filled))) tellUnchanged();
  }

  function patternsFor(document: TextEditor['document']): RegExp[] {
    const settings = workspace.getConfiguration('cloze.fill', document);
    const { patterns, problems } = compileHoles(settings.get<unknown[]>('holes', []));
    for (const problem of problems) output.warn(problem);
    return patterns;
  }

  /** Texts for `open` blanks of a session, around the others as they stand. */
  async function ask(
    { document, blanks, instruction }: Session,
    open: readonly SessionBlank[],
    sessions: readonly Session[],
    candidate = 0,
  ): Promise<FilledTexts | undefined> {
    const settings = workspace.getConfiguration('cloze.fill', document);
    const usual = settings.get<FillLength>('length', 'block');
    return askFill(await client, {
      document,
      open,
      kept: blanks.filter((blank) => !open.some(({ id }) => id === blank.id)),
      length: (open.length === 1 ? open[0]?.length : undefined) ?? usual,
      order: settings.get<FillOrder>('order', 'text'),
      instruction,
      candidate,
      alongside: sessions.filter((other) => other.document !== document),
    });
  }

  /** Another text for one blank; what the user kept or changed elsewhere stays, and so do the other fills. */
  async function again(session: Session, blank: SessionBlank): Promise<void> {
    const { document } = session;
    const stands = document.getText().slice(blank.start, blank.end);
    const draws = blank.candidate === 0 ? 1 : MOST_DRAWS;
    for (let draw = 0; draw < draws; draw++) {
      const candidate = blank.candidate + draw;
      const answer = await ask(session, [blank], board.sessions(), candidate);
      if (!answer) return;
      const { texts } = answer;
      const text = texts.get(blank.id) ?? '';
      if (text === '' || (blank.candidate > 0 && text === stands)) continue;
      // The user may have decided about it, or about others, while it was drawn.
      const now = board.sessions().find((each) => each.document === document);
      if (!stillWaits(now?.blanks, blank)) return;
      const others = now?.blanks ?? session.blanks;
      const { blanks, edits } = fillTexts(
        others.map((each) => (each.id === blank.id ? { ...blank, candidate } : each)),
        texts,
      );
      if (!(await board.goOn({ session: { ...session, blanks }, edits }))) tellUnchanged();
      return;
    }
    tell(l10n.t('The model has nothing else to put there.'));
  }

  const withBlank =
    (act: (session: Session, blank: SessionBlank, board: Board) => unknown) =>
    (id?: unknown, uri?: unknown): unknown => {
      const found = board.find(id, uri);
      return found ? act(found.session, found.blank, board) : tell(l10n.t('There is no fill to decide about.'));
    };

  async function reject(session: Session, ids: ReadonlySet<number>): Promise<void> {
    const { blanks, edits } = rejectBlanks(session.blanks, ids);
    if (!(await board.goOn({ session: { ...session, blanks }, edits }))) tellUnchanged();
  }

  /** With `keeps`, that blank is kept; else only what was kept or changed before. */
  async function refill(session: Session, keeps: SessionBlank | undefined): Promise<void> {
    const blanks = keeps ? keepBlanks(session.blanks, new Set([keeps.id])) : session.blanks;
    const { open } = refillParts(blanks);
    if (open.length === 0) return tell(l10n.t('All blanks are kept or edited: there is none to refill.'));
    board.update({ ...session, blanks });
    const answer = await ask({ ...session, blanks }, open, board.sessions());
    // The user may have decided about some of them, or about all, while the others were filled.
    const now = board.sessions().find(({ document }) => document === session.document);
    if (!answer || !now) return;
    const still = new Set(refillParts(now.blanks).open.map(({ id }) => id));
    const filled = fillTexts(now.blanks, new Map([...answer.texts].filter(([id]) => still.has(id))));
    if (!(await board.goOn({ session: { ...now, blanks: filled.blanks }, edits: filled.edits }))) tellUnchanged();
  }

  async function move(session: Session, blank: SessionBlank, how: 'wider' | 'narrower'): Promise<void> {
    const moved =
      how === 'wider' ? widen(session.document.getText(), session.blanks, blank.id) : narrow(session.blanks, blank.id);
    if (!moved) return tell(l10n.t('The blank cannot take more or less of the text.'));
    const next = { ...session, blanks: moved.blanks };
    if (!(await board.goOn({ session: next, edits: moved.edits }))) return tellUnchanged();
    const own = next.blanks.find(({ id }) => id === blank.id);
    if (own) await again(next, { ...own, candidate: 0 });
  }

  const actions = {
    'cloze.fill.keep': withBlank((session, { id }) =>
      board.update({ ...session, blanks: keepBlanks(session.blanks, new Set([id])) }),
    ),
    'cloze.fill.reject': withBlank((session, { id }) => reject(session, new Set([id]))),
    'cloze.fill.refill': (id?: unknown, uri?: unknown) =>
      withBlank((session, blank) => {
        const settled = session.blanks.some(({ state }) => state === 'kept' || state === 'edited');
        return refill(session, typeof id === 'number' || !settled ? blank : undefined);
      })(id, uri),
    'cloze.fill.next': withBlank((session, blank) => again(session, { ...blank, candidate: blank.candidate + 1 })),
    'cloze.fill.widen': withBlank((session, blank) => move(session, blank, 'wider')),
    'cloze.fill.narrow': withBlank((session, blank) => move(session, blank, 'narrower')),
    'cloze.fill.more': withBlank(async (session, blank) => {
      const picked = await pickAction();
      if (picked === undefined) return;
      if (picked === 'wider' || picked === 'narrower') await move(session, blank, picked);
      else await again(session, { ...blank, length: picked, candidate: 0 });
    }),
    'cloze.fill.keepAll': () => board.clear(),
    'cloze.fill.rejectAll': async () => {
      for (const session of board.sessions()) {
        await reject(session, new Set(undecided(session.blanks).map(({ id }) => id)));
      }
    },
  };

  const active = (): TextEditor[] => (window.activeTextEditor ? [window.activeTextEditor] : []);
  return Disposable.from(
    board,
    commands.registerCommand('cloze.fillSelection', () => fill(active(), '')),
    commands.registerCommand('cloze.fillEverywhere', () => fill(window.visibleTextEditors.filter(isFile), '')),
    commands.registerCommand('cloze.fillWithInstruction', async () => {
      const placeHolder = l10n.t('For example: use async/await');
      const words = await window.showInputBox({ title: l10n.t('What should be filled in?'), placeHolder });
      if (words !== undefined) await fill(active(), words);
    }),
    ...Object.entries(actions).map(([name, act]) => commands.registerCommand(name, act)),
  );
}

function isFile({ document, viewColumn }: TextEditor): boolean {
  return viewColumn !== undefined && document.uri.scheme !== 'output';
}

function tell(message: string): void {
  void window.showInformationMessage(message);
}

function tellUnchanged(): void {
  tell(l10n.t('The text could not be changed: it is read-only, or it changed meanwhile.'));
}
