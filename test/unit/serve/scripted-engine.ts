/** An engine without a model: it says what the script makes of the passage, a token at a time, and can be held. */
import type { FillHooks } from '../../../engine/infill/decode.ts';
import type { Fill, FilledToken, FillOptions, FinishReason, Passage } from '../../../engine/infill/fill.ts';
import { createSpanStream } from '../../../engine/infill/span-stream.ts';

/** Byte sequences of the tokens, or their texts. */
export type Script = (passage: Passage, options: FillOptions) => readonly (string | Uint8Array)[];

export interface ScriptedCall {
  passage: Passage;
  options: FillOptions;
  outcome: 'running' | 'done' | 'aborted' | 'failed';
}

export interface ScriptedEngine {
  name: string;
  device: string;
  calls: ScriptedCall[];
  /** The most calls that ever ran at once. */
  atOnce: number;
  /** While true, calls stop before their second token until they are released or aborted. */
  hold: boolean;
  release(): void;
  /** Resolves when this many calls have begun, ended, or were aborted. */
  until(what: 'begun' | 'ended' | 'aborted', count: number): Promise<void>;
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  dispose(): Promise<void>;
}

const LOG_PROBABILITY = -0.5;

export function scriptedEngine(script: Script): ScriptedEngine {
  let running = 0;
  let watchers: { done: () => boolean; resolve: () => void }[] = [];
  let held: (() => void)[] = [];
  const count = { begun: 0, ended: 0, aborted: 0 };
  const noted = (what: keyof typeof count) => {
    count[what]++;
    for (const { resolve } of watchers.filter(({ done }) => done())) resolve();
    watchers = watchers.filter(({ done }) => !done());
  };
  const engine: ScriptedEngine = {
    name: 'scripted',
    device: 'paper',
    calls: [],
    atOnce: 0,
    hold: false,
    release() {
      engine.hold = false;
      for (const go of held) go();
      held = [];
    },
    until(what, wanted) {
      const done = () => count[what] >= wanted;
      if (done()) return Promise.resolve();
      return new Promise((resolve) => watchers.push({ done, resolve }));
    },
    async fill(passage, options, { signal, onToken } = {}) {
      const call: ScriptedCall = { passage, options, outcome: 'running' };
      engine.calls.push(call);
      running++;
      engine.atOnce = Math.max(engine.atOnce, running);
      noted('begun');
      try {
        const tokens: FilledToken[] = [];
        const bytes: number[] = [];
        const stream = createSpanStream(options.stop);
        let finish: FinishReason | undefined;
        const said = script(passage, options);
        for (const [id, next] of said.entries()) {
          if (id === 1 && engine.hold) {
            await new Promise<void>((resolve, reject) => {
              held.push(resolve);
              signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
            });
          }
          await new Promise(setImmediate);
          signal?.throwIfAborted();
          const own = typeof next === 'string' ? new TextEncoder().encode(next) : next;
          const token = { id, text: new TextDecoder().decode(own), logProbability: LOG_PROBABILITY, forced: false };
          tokens.push(token);
          bytes.push(...own);
          const text = stream.take(own);
          onToken?.(token, text);
          if (stream.stopped !== undefined) finish = 'stop';
          else if (tokens.length === options.maxTokens) finish = 'length';
          if (finish) break;
        }
        if (!finish) tokens.push({ id: -1, text: '', logProbability: LOG_PROBABILITY, forced: false });
        call.outcome = 'done';
        return {
          text: stream.stopped ?? new TextDecoder().decode(Uint8Array.from(bytes)),
          tokens,
          finish: finish ?? 'eop',
          confidence: 1,
          timings: { tokenize: 0, read: 1, extend: 2, total: 3 },
          partA: 7,
          partB: tokens.length,
          device: 'paper',
        };
      } catch (error) {
        call.outcome = signal?.aborted ? 'aborted' : 'failed';
        if (signal?.aborted) noted('aborted');
        throw error;
      } finally {
        running--;
        noted('ended');
      }
    },
    dispose: () => Promise.resolve(),
  };
  return engine;
}

/** Says back what it was given, in three tokens. */
export const echo: Script = ({ before, after }) => [`<${before}`, '|', `${after}>`];
