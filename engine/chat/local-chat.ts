/** Conversations with a model that is loaded here: the prompt is read, the answer streamed as it is generated. */
import { fillOpenBlank } from '../infill/decode.ts';
import type { Model } from '../infill/fill.ts';
import { openSpan, promptBefore, promptRows } from '../infill/open-blank.ts';
import { createStopFilter } from '../infill/span-stream.ts';
import { spanPositions } from '../objective/blank-infilling.ts';
import { MemoryFailure } from '../runtime/device-failure.ts';
import type { Session, TokenRows } from '../runtime/runtime.ts';
import type { ChatMessage, ChatModel } from './chat-model.ts';
import type { ChatTemplate } from './chat-template.ts';

/** Tokens of an answer where the caller names no limit, if the model has room. */
const LONGEST_ANSWER = 1024;
/** Room that a prompt must leave for the answer. */
const LEAST_ANSWER = 32;

export interface LocalChat extends ChatModel {
  /** Most tokens of messages and answer together. */
  readonly contextTokens: number;
}

export function createLocalChat(model: Model, prompt: ChatTemplate): LocalChat {
  const { runtime, tokenizer } = model;
  const { maxLength, positions } = runtime.config;
  return {
    contextTokens: maxLength,
    async answer(messages, { maxTokens = LONGEST_ANSWER, ...sampling }, onPiece, signal) {
      signal.throwIfAborted();
      const tokens = await fitted(messages, prompt, maxLength - Math.min(maxTokens, LEAST_ANSWER) - 1);
      const { rows, start } = promptRows(tokens);
      const places = Math.min(maxTokens + 2, maxLength - rows.tokens.length);
      const session = runtime.open(rows.tokens.length + places);
      try {
        await readWhole(session, rows, signal);
        const blank = openSpan(model, session, {
          partA: rows.tokens.length,
          mask: rows.tokens.length - 1,
          start,
          places,
          positions: spanPositions(positions, 'document'),
          caches: [],
          surroundings: promptBefore(rows.tokens, start),
          timings: { tokenize: 0, read: 0 },
        });
        const [begin, end] = tokenizer.special.thoughts ?? [];
        let thought = begin !== undefined && tokens.lastIndexOf(begin) > tokens.lastIndexOf(end ?? begin);
        let first = true;
        // Answers are shown as they come: a character that no token completes becomes U+FFFD instead of ending them.
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        let filter = createStopFilter(sampling.stop);
        let drawn = 0;
        const say = (text: string): void => {
          // SentencePiece begins an answer with a space, GLM-4 with a line break: neither belongs to it.
          const piece = first ? text.trimStart() : text;
          if (piece === '') return;
          first = false;
          onPiece(thought ? { text: piece, thought } : { text: piece });
        };
        const sayRest = (): void => {
          say(filter.take(decoder.decode()));
          say(filter.rest());
        };
        const greedy = { temperature: 0, topP: 1, seed: 0, timeLimit: 0 };
        const options = { ...greedy, ...sampling, maxTokens, singleLine: false };
        const fill = await fillOpenBlank(blank, '', options, {
          signal,
          onToken({ id }) {
            drawn++;
            if (id !== begin && id !== end)
              return say(filter.take(decoder.decode(tokenizer.bytes(id), { stream: true })));
            sayRest();
            filter = createStopFilter(sampling.stop);
            thought = id === begin;
            first = true;
          },
        });
        sayRest();
        const ended = fill.finish === 'eop' || fill.finish === 'stop';
        return { finish: ended ? 'end' : 'length', usage: { prompt: tokens.length, answer: drawn } };
      } finally {
        session.dispose();
      }
    },
  };
}

/** A conversation is not made smaller for a device: it is asked until the runtime gives the device up. */
async function readWhole(session: Session, rows: TokenRows, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await session.read(rows, signal);
    } catch (error) {
      if (!(error instanceof MemoryFailure) || signal.aborted) throw error;
    }
  }
}

/** Drops the oldest exchange after another until the prompt fits; system messages stay. */
async function fitted(messages: readonly ChatMessage[], prompt: ChatTemplate, most: number): Promise<number[]> {
  let kept = [...messages];
  for (;;) {
    const tokens = await prompt(kept);
    if (tokens.length <= most) return tokens;
    const first = kept.findIndex(({ role }) => role !== 'system');
    const next = kept.findIndex(({ role }, index) => index > first && role === 'user');
    if (first < 0 || next < 0) {
      throw new RangeError(`The message takes ${tokens.length} tokens, but the model holds ${most}: send less of it.`);
    }
    kept = [...kept.slice(0, first), ...kept.slice(next)];
  }
}
