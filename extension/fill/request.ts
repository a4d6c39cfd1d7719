/** Asks the language server to fill blanks; a fill that takes long shows a message with which it can be cancelled. */
import {
  type CancellationToken,
  CancellationTokenSource,
  l10n,
  ProgressLocation,
  type TextDocument,
  window,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  type BlankRange,
  FILL_METHOD,
  type FillLength,
  type FillOrder,
  type FillParams,
  type FillResult,
} from '../../language-server/protocol.ts';
import type { TextRange } from './holes.ts';
import type { SessionBlank } from './session.ts';

/** Milliseconds before a fill is said to be under way. */
const SHOW_PROGRESS_AFTER = 400;

/** `RequestCancelled` and `ServerCancelled` of LSP: the user or a newer fill stopped it. */
const CANCELLED = [-32800, -32802];
/** `ContentModified` of LSP. */
const CONTENT_MODIFIED = -32801;

export interface FillRequest {
  document: TextDocument;
  open: readonly SessionBlank[];
  kept: readonly SessionBlank[];
  length: FillLength;
  order: FillOrder;
  instruction: string;
  /** 0 for the most probable text. */
  candidate: number;
  /** Blanks of other documents that are filled in the same gesture. */
  alongside: readonly { document: TextDocument; blanks: readonly TextRange[] }[];
}

export interface FilledTexts {
  /** By the blanks' ids. */
  texts: Map<number, string>;
  /** The model knows one blank at a time. */
  oneByOne: boolean;
}

/** The new texts; `undefined` when it was cancelled or failed, which the user has then been told. */
export async function askFill(
  client: LanguageClient,
  { document, open, kept, length, order, instruction, candidate, alongside }: FillRequest,
): Promise<FilledTexts | undefined> {
  const { version } = document;
  const params: FillParams = {
    textDocument: { uri: client.code2ProtocolConverter.asUri(document.uri), version },
    blanks: open.map(
      (blank): BlankRange => ({ range: rangeOf(document, blank), ...(blank.hint === '' ? {} : { hint: blank.hint }) }),
    ),
    kept: kept.map((blank) => ({ range: rangeOf(document, blank) })),
    options: { length, order, candidate },
    ...(instruction === '' ? {} : { instruction }),
    alongside: alongside.flatMap((other) =>
      other.blanks.map((blank) => ({
        textDocument: { uri: client.code2ProtocolConverter.asUri(other.document.uri) },
        range: rangeOf(other.document, blank),
      })),
    ),
  };
  try {
    const { blanks, oneByOne = false } = await patiently((token) =>
      client.sendRequest<FillResult>(FILL_METHOD, params, token),
    );
    if (document.version !== version) {
      tell({ code: CONTENT_MODIFIED });
      return undefined;
    }
    return { texts: new Map(open.map(({ id }, index) => [id, blanks[index]?.newText ?? ''])), oneByOne };
  } catch (error) {
    tell(error);
    return undefined;
  }
}

function rangeOf(document: TextDocument, { start, end }: TextRange) {
  const [from, to] = [document.positionAt(start), document.positionAt(end)];
  return {
    start: { line: from.line, character: from.character },
    end: { line: to.line, character: to.character },
  };
}

async function patiently<R>(ask: (token: CancellationToken) => Promise<R>): Promise<R> {
  const source = new CancellationTokenSource();
  const answer = ask(source.token);
  const timer = setTimeout(() => {
    const options = { location: ProgressLocation.Notification, title: l10n.t('Filling'), cancellable: true };
    void window.withProgress(options, (_, token) => {
      token.onCancellationRequested(() => source.cancel());
      return answer.then(
        () => undefined,
        () => undefined,
      );
    });
  }, SHOW_PROGRESS_AFTER);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    source.dispose();
  }
}

function tell(error: unknown): void {
  const { code, message } = (error ?? {}) as { code?: number; message?: string };
  if (code !== undefined && CANCELLED.includes(code)) return;
  const text =
    code === CONTENT_MODIFIED
      ? l10n.t('The text changed while it was being filled. Run Fill Selection again.')
      : l10n.t('Cloze could not fill this: {0}', message ?? String(error));
  void window.showWarningMessage(text);
}
