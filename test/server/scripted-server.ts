/** The language server around an engine that says what the test tells it to. Same transports as the real entry. */
import { createConnection } from 'vscode-languageserver/node';
import type { ChatModel } from '../../engine/chat/chat-model.ts';
import type { BlanksPassage } from '../../engine/infill/blanks.ts';
import type { FillTrace } from '../../engine/infill/trace.ts';
import type { Engine } from '../../language-server/engine.ts';
import { createShelf } from '../../language-server/models/shelf.ts';
import { serve } from '../../language-server/server.ts';
import {
  ABORTED_METHOD,
  BEGUN_METHOD,
  CALLS_METHOD,
  type Call,
  type Calls,
  RELEASE_METHOD,
  SCRIPT_METHOD,
  type Script,
} from './script.ts';

const connection = createConnection();
const calls: Calls = { loads: [], freed: 0, fills: [], asked: [], atOnce: 0 };
let script: Script = { span: '' };
let running = 0;
let release = () => {};
/** The text of the last fill that was done. */
let filled: string | undefined;

const engine: Engine = {
  name: 'scripted',
  device: 'paper',
  fill(passage, options, { signal }) {
    // What nobody asked for comes at a time that no test knows: only scripts that are about it take notice.
    const prepares = options.aside === true && options.temperature === 0;
    if (prepares && !script.after) return Promise.resolve({ ...said('', ''), ...figures, finish: 'time' as const });
    const call: Call = { passage, options, outcome: 'running' };
    calls.fills.push(call);
    return play(call, signal, () => {
      const fill = {
        ...said(script.after?.[passage.forced] ?? script.span, passage.forced),
        ...figures,
      };
      filled = fill.text;
      return fill;
    });
  },
  fillCandidates(passage, _count, options, { signal }) {
    const call: Call = { passage, options, outcome: 'running' };
    calls.fills.push(call);
    return play(call, signal, () =>
      (script.candidates ?? [script.span]).map((span) => ({ ...said(span, passage.forced), ...figures })),
    );
  },
  fillBlanks(passage, options, signal) {
    const call: Call<BlanksPassage> = { passage, options, outcome: 'running' };
    calls.asked.push(call);
    return play(call, signal, () => {
      const spans = [...(script.spans ?? [])];
      const blanks = passage.blanks.map(({ state, forced }) =>
        state === 'kept' ? said('', '') : said(spans.shift() ?? script.span, forced),
      );
      const { oneByOne } = script;
      return { blanks, order: blanks.map((_, index) => index), ...figures, ...(oneByOne ? { oneByOne } : {}) };
    });
  },
  trace: () => (filled === undefined ? undefined : traceWith(filled)),
  dispose() {
    filled = undefined;
    calls.freed++;
  },
};

const answer: ChatModel['answer'] = (_messages, _options, onPiece, signal) => {
  return play({ outcome: 'running' }, signal, () => {
    for (const text of script.chat ?? []) onPiece({ text });
    return { finish: 'end' };
  });
};

function traceWith(text: string): FillTrace {
  return {
    format: 1,
    model: 'scripted',
    device: 'paper',
    partA: [{ id: 1, text: '', special: '[sMASK]', position: 0, blockPosition: 0 }],
    partB: [
      {
        id: 2,
        text: '',
        special: '<|startofpiece|>',
        blank: 0,
        origin: 'start',
        row: 'fed',
        position: 0,
        blockPosition: 1,
      },
      { id: 3, text, blank: 0, origin: 'predicted', row: 'unfed', logProbability: -0.5 },
    ],
    separator: 1,
    spans: [{ blank: 0, text, finish: 'eop', confidence: 1 }],
    partARead: 'now',
    timings: { tokenize: 0, read: 0, extend: 0, total: 0 },
  };
}

const figures = { timings: { tokenize: 0, read: 0, extend: 0, total: 0 }, partA: 0, partB: 0, device: 'paper' };

function said(span: string, forced: string) {
  const text = span.startsWith(forced) ? span.slice(forced.length) : span;
  const { probability } = script;
  const tokens =
    probability === undefined
      ? []
      : [{ id: 0, text, logProbability: Math.log(probability), forced: false, end: text.length }];
  return { text, tokens, finish: script.finish ?? ('eop' as const), confidence: 1 };
}

async function play<R>(call: Pick<Call<unknown>, 'outcome'>, signal: AbortSignal, answer: () => R): Promise<R> {
  running++;
  calls.atOnce = Math.max(calls.atOnce, running);
  void connection.sendNotification(BEGUN_METHOD);
  try {
    if (script.hold) await held(script.hold === 'until aborted' ? signal : undefined);
    if (script.fails !== undefined) throw new Error(script.fails);
    call.outcome = 'done';
    return answer();
  } catch (error) {
    call.outcome = signal.aborted ? 'aborted' : 'failed';
    if (signal.aborted) void connection.sendNotification(ABORTED_METHOD);
    throw error;
  } finally {
    running--;
  }
}

function held(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    release = resolve;
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')), { once: true });
  });
}

connection.onNotification(SCRIPT_METHOD, (next: Script) => {
  script = next;
});
connection.onNotification(RELEASE_METHOD, () => release());
connection.onRequest(CALLS_METHOD, () => calls);

const embeddedModel = process.env.CLOZE_TEST_MODEL ?? 'embedded';

serve(connection, {
  async load(choice, tell) {
    calls.loads.push(choice);
    if (script.warns !== undefined) tell(script.warns);
    if (script.loadFails !== undefined) throw new Error(script.loadFails);
    return script.chat === undefined ? engine : { ...engine, chat: { contextTokens: 1000, answer } };
  },
  embeddedModel,
  tunedModel: async (root) => (root === 'file:///tuned' ? 'tuned' : undefined),
  shelf: createShelf({ data: process.env.CLOZE_TEST_DATA ?? 'no-such-folder', embeddedModel, level: 'portable' }),
  version: 'test',
});
