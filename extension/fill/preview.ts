/** What is seen of a fill: its texts marked with what they replace, and above each line what can be done with them. */
import {
  CodeLens,
  type Command,
  type DecorationOptions,
  type Disposable,
  EventEmitter,
  l10n,
  languages,
  MarkdownString,
  Range,
  type TextDocument,
  ThemeColor,
  window,
} from 'vscode';
import { documentSelector } from '../document-selector.ts';
import { type SessionBlank, undecided } from './session.ts';

/** Longer old texts are shown when hovering only. */
const LONGEST_INLINE = 60;

export interface Shown {
  document: TextDocument;
  blanks: readonly SessionBlank[];
  oneByOne: boolean;
}

export interface Preview extends Disposable {
  /** Draws these, and clears everything else. */
  show(sessions: readonly Shown[]): void;
}

export function createPreview(): Preview {
  const filled = window.createTextEditorDecorationType({
    backgroundColor: new ThemeColor('diffEditor.insertedTextBackground'),
    overviewRulerColor: new ThemeColor('editorOverviewRuler.addedForeground'),
  });
  const kept = window.createTextEditorDecorationType({
    border: '1px dotted',
    borderColor: new ThemeColor('editorCodeLens.foreground'),
  });
  const changed = new EventEmitter<void>();
  let shown: readonly Shown[] = [];
  const blanksOf = (document: TextDocument) => shown.find((each) => each.document === document)?.blanks ?? [];

  function draw(): void {
    for (const editor of window.visibleTextEditors) {
      const blanks = blanksOf(editor.document);
      editor.setDecorations(
        filled,
        undecided(blanks).map((blank) => filledDecoration(editor.document, blank)),
      );
      editor.setDecorations(
        kept,
        blanks.filter(({ state }) => state === 'kept').map((blank) => rangeOf(editor.document, blank)),
      );
    }
  }

  const lenses = languages.registerCodeLensProvider(documentSelector, {
    onDidChangeCodeLenses: changed.event,
    provideCodeLenses(document) {
      const { blanks = [], oneByOne = false } = shown.find((each) => each.document === document) ?? {};
      return lensesOf(document, blanks, oneByOne);
    },
  });
  const visible = window.onDidChangeVisibleTextEditors(draw);
  return {
    show(next) {
      shown = next;
      draw();
      changed.fire();
    },
    dispose() {
      for (const each of [filled, kept, changed, lenses, visible]) each.dispose();
    },
  };
}

function filledDecoration(document: TextDocument, blank: SessionBlank): DecorationOptions {
  const { original } = blank;
  const range = rangeOf(document, blank);
  if (original.trim() === '') return { range };
  const hoverMessage = new MarkdownString(l10n.t('Before:')).appendCodeblock(original, document.languageId);
  if (original.includes('\n') || original.length > LONGEST_INLINE) return { range, hoverMessage };
  const after = {
    contentText: original,
    color: new ThemeColor('editorCodeLens.foreground'),
    margin: '0 0.5ch',
    textDecoration: 'line-through',
  };
  return { range, hoverMessage, renderOptions: { after } };
}

function lensesOf(document: TextDocument, blanks: readonly SessionBlank[], oneByOne: boolean): CodeLens[] {
  const uri = document.uri.toString();
  const open = undecided(blanks);
  const several = blanks.length > 1;
  return open.flatMap((blank, index) => {
    const { start } = rangeOf(document, blank);
    const line = new Range(start.line, 0, start.line, 0);
    const at = (title: string, command: string, ...args: (number | string)[]): CodeLens =>
      new CodeLens(line, { title, command, arguments: args } satisfies Command);
    const number = blank.id + 1;
    const own = several
      ? [
          at(l10n.t('Keep {0}', number), 'cloze.fill.keep', blank.id, uri),
          at(l10n.t('Reject {0}', number), 'cloze.fill.reject', blank.id, uri),
          at(l10n.t('Next {0}', number), 'cloze.fill.next', blank.id, uri),
          at(l10n.t('Keep {0}, Refill Others', number), 'cloze.fill.refill', blank.id, uri),
          at('…', 'cloze.fill.more', blank.id, uri),
        ]
      : [
          at(l10n.t('Keep'), 'cloze.fill.keep', blank.id, uri),
          at(l10n.t('Reject'), 'cloze.fill.reject', blank.id, uri),
          at(l10n.t('Next'), 'cloze.fill.next', blank.id, uri),
          at('…', 'cloze.fill.more', blank.id, uri),
        ];
    if (index > 0 || !several) return own;
    const note = oneByOne ? [at(l10n.t('Filled one by one: this model knows one blank at a time'), '')] : [];
    return [
      ...note,
      at(l10n.t('Keep All'), 'cloze.fill.keepAll'),
      at(l10n.t('Reject All'), 'cloze.fill.rejectAll'),
      ...own,
    ];
  });
}

function rangeOf(document: TextDocument, { start, end }: SessionBlank): Range {
  return new Range(document.positionAt(start), document.positionAt(end));
}
