/** What a model and the texts around a blank say at each token of the span that stood there. */
import { gateInputs, mixVotes } from '../infill/cache-gate.ts';
import type { CacheVotes } from '../infill/document-cache.ts';
import type { Model } from '../infill/fill.ts';
import { openBlank } from '../infill/open-blank.ts';
import { logProbabilityOf } from '../infill/sampling.ts';
import type { Task } from './task.ts';

export interface FollowedToken {
  target: number;
  /** Logits [V] before the last of the texts was asked: the network's, and what the others say mixed in. */
  logits: Float32Array;
  /** What the last of the texts votes for. */
  votes: CacheVotes | undefined;
}

export interface FollowOptions {
  /** Most tokens of Part A. */
  contextTokens: number;
  /** Tasks with more tokens to say are passed over: they would be most of the tokens. */
  longest: number;
  signal?: AbortSignal;
}

/** Feeds what stood in the blank, token by token and with its end. All texts of the model are asked, whatever it says of them. */
export async function followSpan(
  model: Model,
  task: Task,
  { contextTokens, longest, signal }: FollowOptions,
  onToken: (token: FollowedToken) => void,
): Promise<void> {
  const { tokenizer } = model;
  const expected = tokenizer.encode(task.expected);
  if (expected.length > longest) return;
  const { path, language: languageId, before, after, neighbours } = task;
  const blank = await openBlank(
    model,
    { path, languageId, before, after, forced: '', neighbours, kind: 'sentence' },
    { reserve: longest + 2, contextTokens },
    signal,
  );
  try {
    let { logits: own } = await blank.feed([], signal);
    let written = '';
    for (const target of [...expected, tokenizer.special.eop]) {
      let logits = own;
      for (const { gate, votes: ask } of blank.caches.slice(0, -1)) {
        const given = ask(written, '');
        if (given) logits = mixVotes(logits, given, gate).logits;
      }
      const votes = blank.caches.at(-1)?.votes(written, '');
      onToken({ target, logits, votes });
      if (target === tokenizer.special.eop) break;
      written += tokenizer.decode([target]);
      own = await blank.append(target, logProbabilityOf(own, target), signal);
    }
  } finally {
    blank.dispose();
  }
}

/** One token that a text had votes for. */
export interface VotedToken {
  inputs: number[];
  /** Probability of the right token: the model's, and its share of the votes. */
  own: number;
  share: number;
  /** How much the token counts. */
  weight: number;
}

/** The tokens of a task that the last of the model's texts had votes for, each counting 1. */
export async function votedTokens(model: Model, task: Task, options: FollowOptions): Promise<VotedToken[]> {
  const voted: VotedToken[] = [];
  await followSpan(model, task, options, ({ target, logits, votes }) => {
    if (!votes) return;
    const own = Math.exp(logProbabilityOf(logits, target));
    voted.push({ inputs: gateInputs(logits, votes), own, share: votes.tokens.get(target) ?? 0, weight: 1 });
  });
  return voted;
}
