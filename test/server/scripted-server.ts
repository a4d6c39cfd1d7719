/** The language server around an engine that says what the test tells it to. Same transports as the real entry. */
import { createConnection } from 'vscode-languageserver/node';
import type { Engine } from '../../language-server/engine-host.ts';
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
const calls: Calls = { loads: [], fills: [], atOnce: 0 };
let script: Script = { span: '' };
let running = 0;
let release = () => {};

const engine: Engine = {
  name: 'scripted',
  device: 'paper',
  async fill(passage, options, { signal }) {
    const call: Call = { passage, options, outcome: 'running' };
    calls.fills.push(call);
    running++;
    calls.atOnce = Math.max(calls.atOnce, running);
    void connection.sendNotification(BEGUN_METHOD);
    try {
      if (script.hold) await held(script.hold === 'until aborted' ? signal : undefined);
      if (script.fails !== undefined) throw new Error(script.fails);
      call.outcome = 'done';
      return {
        text: script.span.startsWith(passage.forced) ? script.span.slice(passage.forced.length) : script.span,
        tokens: [],
        finish: script.finish ?? 'eop',
        confidence: 1,
        timings: { tokenize: 0, read: 0, extend: 0, total: 0 },
        partA: 0,
        partB: 0,
        device: 'paper',
      };
    } catch (error) {
      call.outcome = signal.aborted ? 'aborted' : 'failed';
      if (signal.aborted) void connection.sendNotification(ABORTED_METHOD);
      throw error;
    } finally {
      running--;
    }
  },
  dispose() {},
};

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

serve(connection, {
  async load(choice) {
    calls.loads.push(choice);
    if (script.loadFails !== undefined) throw new Error(script.loadFails);
    return engine;
  },
  embeddedModel: 'embedded',
  version: 'test',
});
