/**
 * Local statistics: follows suggestions from the editor to the counts, unless `cloze.statistics.enable` is off, and tells the
 * server what becomes of each.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Command, InlineCompletionItem, InlineCompletionList, Position, Range } from 'vscode';
import {
  commands,
  Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type TextDocument,
  workspace,
} from 'vscode';
import {
  FORGET_METHOD,
  type MeasuredParams,
  OUTCOME_METHOD,
  type OutcomeParams,
} from '../../language-server/protocol.ts';
import { countLatency, STAGES } from '../../media/statistics/counts.ts';
import { registerStatisticsPage } from './page.ts';
import { createStatisticsStore } from './store.ts';
import { createTracking, type Suggestion } from './tracking.ts';

/** What the editor runs for a suggestion that was taken whole; in no menu. */
const ACCEPTED = 'cloze.statistics.accepted';

export interface Statistics extends Disposable {
  /** Follows what the server suggests; the items then tell when they are taken. */
  suggested(document: TextDocument, items: InlineCompletionItem[] | InlineCompletionList | null | undefined): void;
  measured(params: MeasuredParams): void;
  /** What is not written yet is written before the window closes. */
  flush(): Promise<void>;
}

/** Where the server keeps what it learns from outcomes. */
export function outcomesFile({ globalStorageUri }: ExtensionContext): string {
  return globalStorageUri.with({ path: `${globalStorageUri.path}/outcomes.json` }).fsPath;
}

/** `tell` sends the server a notification, if there is one. */
export function createStatistics(
  context: ExtensionContext,
  output: LogOutputChannel,
  tell: (method: string, params?: OutcomeParams) => void,
): Statistics {
  const folder = context.globalStorageUri.with({ path: `${context.globalStorageUri.path}/statistics` }).fsPath;
  const store = createStatisticsStore(folder, randomBytes(8).toString('hex'), (error) =>
    output.error(`The statistics could not be written to ${folder}: ${error instanceof Error ? error.message : error}`),
  );
  const wanted = () => workspace.getConfiguration('cloze').get('statistics.enable', true);
  const tracking = createTracking({
    count: (change) => {
      if (wanted()) store.count(change);
    },
    outcome({ uri, text, range }, outcome) {
      const { start, end } = range;
      tell(OUTCOME_METHOD, { textDocument: { uri }, item: { insertText: text, range: { start, end } }, outcome });
    },
    now: () => performance.now(),
    textOf(uri, from, to) {
      const document = workspace.textDocuments.find((each) => each.uri.toString() === uri);
      return document?.getText().slice(from, to);
    },
    after(seconds, call) {
      const timer = setTimeout(call, seconds * 1000);
      return () => clearTimeout(timer);
    },
  });

  const subscriptions = Disposable.from(
    registerStatisticsPage(context, store, async () => {
      // Also what no server that runs knows of.
      await rm(outcomesFile(context), { force: true });
      tell(FORGET_METHOD);
    }),
    commands.registerCommand(ACCEPTED, async (suggestion: Suggestion, next?: Command) => {
      tracking.accepted(suggestion);
      if (next) await commands.executeCommand(next.command, ...(next.arguments ?? []));
    }),
    workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const changes = contentChanges.map(({ rangeOffset, rangeLength, text }) => ({
        offset: rangeOffset,
        length: rangeLength,
        text,
      }));
      tracking.changed(document.uri.toString(), changes);
    }),
    workspace.onDidCloseTextDocument(({ uri }) => tracking.closed(uri.toString())),
  );

  return {
    suggested(document, items) {
      const list = Array.isArray(items) ? items : (items?.items ?? []);
      for (const [index, item] of list.entries()) {
        const { insertText, range, command } = item;
        if (typeof insertText !== 'string' || !range) continue;
        const offset = document.offsetAt(range.start);
        const suggestion: Suggestion = { uri: document.uri.toString(), offset, text: insertText, range: plain(range) };
        // Of several only the first stands on the screen.
        if (index === 0) tracking.shown(suggestion);
        item.command = { command: ACCEPTED, title: '', arguments: [suggestion, ...(command ? [command] : [])] };
      }
    },
    measured(params) {
      if (!wanted()) return;
      store.count((today) => {
        for (const stage of STAGES)
          if (Number.isFinite(params[stage])) countLatency(today.latency[stage], params[stage]);
      });
    },
    flush: store.flush,
    dispose() {
      tracking.dispose();
      subscriptions.dispose();
    },
  };
}

/** Without what the editor's own class adds: it travels as an argument of a command, and as JSON. */
function plain({ start, end }: Range): Suggestion['range'] {
  const place = ({ line, character }: Position) => ({ line, character });
  return { start: place(start), end: place(end) };
}
