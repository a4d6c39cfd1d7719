/** What the document votes for, what the votes weigh, and what they change in a fill. */
import { describe, expect, it } from 'vitest';
import { fillOpenBlank } from '../../../engine/infill/decode.ts';
import { createDocumentCache, mixVotes } from '../../../engine/infill/document-cache.ts';
import { fillBlanks } from '../../../engine/infill/fill-blanks.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { openBlank } from '../../../engine/infill/open-blank.ts';
import { logSumExp } from '../../../engine/infill/sampling.ts';
import { toy, toyTokenizer } from './toy.ts';

const WORDS = ['alpha', 'beta', 'gamma'];
const tokenizer = toyTokenizer(WORDS);
const [alpha, beta, gamma] = WORDS.map((word) => tokenizer.encode(word)[0] as number) as [number, number, number];
const { eop } = tokenizer.special;
const cacheOf = (before: string, after = '', neighbours: { text: string }[] = []) =>
  createDocumentCache(tokenizer, { before, after, neighbours });

describe('the document cache', () => {
  it('votes for what follows the same text, before, after and in neighbours', () => {
    expect([...(cacheOf('call(alpha)\ncall(').votes('', '')?.tokens.keys() ?? [])]).toEqual([alpha]);
    expect([...(cacheOf('call(', '\ncall(beta)\n').votes('', '')?.tokens.keys() ?? [])]).toEqual([beta]);
    expect([
      ...(cacheOf('call(', '', [{ text: 'call(gamma)' }])
        .votes('', '')
        ?.tokens.keys() ?? []),
    ]).toEqual([gamma]);
  });

  it('follows what the span already holds', () => {
    expect([...(cacheOf('x = alpha + beta\nx = ').votes('alpha + ', '')?.tokens.keys() ?? [])]).toEqual([beta]);
  });

  it('trusts a longer match more, and lets it outvote a shorter one', () => {
    const short = cacheOf('abc = alpha\nzzz bc = ').votes('', '')?.tokens.get(alpha) as number;
    const long = cacheOf('the same long line abc = alpha\nthe same long line abc = ')
      .votes('', '')
      ?.tokens.get(alpha) as number;
    expect(long).toBeGreaterThan(short);
    expect(long).toBeLessThan(1);
    const votes = cacheOf('a long way to = alpha\nxy = beta\na long way to = ').votes('', '');
    expect(votes?.tokens.get(alpha)).toBeGreaterThan(10 * (votes?.tokens.get(beta) ?? 0));
  });

  it('votes for the end of the span where the text goes on as after the blank', () => {
    expect([...(cacheOf('f(alpha)\nf(alpha', '\nmore').votes('', '')?.tokens.keys() ?? [])]).not.toContain(eop);
    expect([...(cacheOf('f(alpha)\nf(alpha)', '\nmore').votes('', '')?.tokens.keys() ?? [])]).toEqual([eop]);
    expect([...(cacheOf('f(alpha, 12345)\nf(alpha', ', 12345)').votes('', '')?.tokens.keys() ?? [])]).toEqual([eop]);
  });

  it('leaves it to the model whether the span goes on in another line', () => {
    expect(cacheOf('f(alpha)\nmore\nf(alpha)').votes('', '')).toBeUndefined();
    expect(cacheOf('if (alpha)\n  beta();\nif (').votes('alpha)\n  ', '')).toBeUndefined();
    expect([...(cacheOf('if (alpha)\n  beta();\nif (').votes('alpha)\n  bet', '')?.tokens.keys() ?? [])]).not.toEqual(
      [],
    );
  });

  it('gives tokens that begin with what was typed but not fed', () => {
    expect([...(cacheOf('call(alpha)\ncall(').votes('al', 'al')?.tokens.keys() ?? [])]).toEqual([alpha]);
  });

  it('is silent where nothing matches, and on white space alone', () => {
    expect(cacheOf('something else\ncall(').votes('', '')).toBeUndefined();
    expect(cacheOf('alpha\n    beta\n    ').votes('', '')).toBeUndefined();
    expect(cacheOf('').votes('', '')).toBeUndefined();
  });
});

describe('mixing', () => {
  it('gives each token its share of both', () => {
    const logits = Float32Array.of(1, 2, 3, 0);
    const total = logSumExp(logits);
    const own = Array.from(logits, (logit) => Math.exp(logit - total));
    const tokens = new Map([
      [0, 0.3],
      [2, 0.2],
    ]);
    const together = mixVotes(logits, { tokens, matched: 9 });
    expect([...logits]).toEqual([1, 2, 3, 0]);
    const mixed = logSumExp(together);
    const votes = [0.3, 0, 0.2, 0];
    for (const [id, logit] of together.entries()) {
      expect(Math.exp(logit - mixed)).toBeCloseTo(0.5 * (own[id] as number) + (votes[id] as number), 5);
    }
  });
});

describe('a fill', () => {
  const passage = {
    path: 'a.ts',
    languageId: 'typescript',
    before: 'const first = call(alpha);\nconst again = call(',
    after: '\n',
    forced: '',
    neighbours: [],
    kind: 'sentence' as const,
  };
  const options = { maxTokens: 8, temperature: 0, topP: 1, seed: 0, singleLine: true, timeLimit: 0 };

  it('listens to the document where the model or the call says so', async () => {
    const model = toy({ words: WORDS, voice: () => () => [beta] });
    const text = async (own: boolean | undefined, asked: boolean | undefined) =>
      (
        await fillBlank({ ...model, ...(own === undefined ? {} : { documentCache: own }) }, passage, {
          ...options,
          ...(asked === undefined ? {} : { documentCache: asked }),
        })
      ).text;
    const alone = await text(undefined, undefined);
    expect(alone).toContain('beta');
    const mixed = await text(true, undefined);
    expect(mixed).toBe('alpha);');
    expect(await text(true, false)).toBe(alone);
    expect(await text(false, true)).toBe(mixed);
  });

  it('says which probability came from the document', async () => {
    const model = toy({ words: WORDS, voice: () => () => [beta] });
    const fill = await fillBlank(model, passage, { ...options, documentCache: true });
    const token = fill.tokens[0];
    expect(token?.id).toBe(alpha);
    expect(Math.exp(token?.logProbability as number)).toBeGreaterThan((token?.fromDocument as number) - 1e-6);
    const alone = await fillBlank(model, passage, options);
    expect(alone.tokens[0]).not.toHaveProperty('fromDocument');
  });

  it('leaves the span’s own probabilities to the model', async () => {
    const model = toy({ words: WORDS, voice: () => () => [beta] });
    const blank = await openBlank(model, passage, { reserve: 16 });
    const { tokens } = await fillOpenBlank(blank, '', { ...options, documentCache: true });
    const { logProbabilities } = await blank.feed([alpha]);
    expect(logProbabilities[0]).toBeLessThan(tokens[0]?.logProbability as number);
    blank.dispose();
  });

  it('of several blanks listens to those already filled', async () => {
    const model = { ...toy({ words: WORDS, voice: () => () => [beta] }), documentCache: true };
    const { blanks } = await fillBlanks(
      model,
      {
        path: 'a.ts',
        languageId: 'typescript',
        texts: ['call(alpha);\ncall(', '\nend\ncall(', '\n'],
        blanks: [
          { state: 'open', forced: '' },
          { state: 'open', forced: '' },
        ],
        neighbours: [],
        kind: 'sentence',
      },
      options,
    );
    expect(blanks.map(({ text }) => text)).toEqual(['alpha);', 'alpha);']);
  });
});
