/** What the document votes for, what the votes weigh, and what they change in a fill. */
import { describe, expect, it } from 'vitest';
import { gateTrust, mixVotes } from '../../../engine/infill/cache-gate.ts';
import { fillOpenBlank } from '../../../engine/infill/decode.ts';
import { createDocumentCache, type Evidence } from '../../../engine/infill/document-cache.ts';
import { fillBlanks } from '../../../engine/infill/fill-blanks.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { openBlank } from '../../../engine/infill/open-blank.ts';
import { logSumExp, totalOf } from '../../../engine/infill/sampling.ts';
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

  it('lets a longer match outvote a shorter one', () => {
    const votes = cacheOf('a long way to = alpha\nxy = beta\na long way to = ').votes('', '');
    expect(votes?.tokens.get(alpha)).toBeGreaterThan(10 * (votes?.tokens.get(beta) ?? 0));
  });

  it('prefers the place that goes on after the span as the blank does', () => {
    const votes = cacheOf('if (late);\nf(alpha, true);\nf(beta, false);\nf(', ', true);\n').votes('', '');
    expect(votes?.tokens.get(alpha)).toBeGreaterThan(2 * (votes?.tokens.get(beta) ?? 0));
    expect(votes?.evidence.following).toBe(', true);\n'.length);
  });

  it('prefers the near place of two alike', () => {
    const far = `go(alpha)\n${'. '.repeat(2000)}\ngo(beta)\ngo(`;
    const votes = cacheOf(far).votes('', '');
    expect(votes?.tokens.get(beta)).toBeGreaterThan(2 * (votes?.tokens.get(alpha) ?? 0));
  });

  it('votes for the end of the span where the text goes on as after the blank', () => {
    expect([...(cacheOf('f(alpha)\nf(alpha', '\nmore').votes('', '')?.tokens.keys() ?? [])]).not.toContain(eop);
    expect([...(cacheOf('f(alpha)\nf(alpha)', '\nmore').votes('', '')?.tokens.keys() ?? [])]).toEqual([eop]);
    expect([...(cacheOf('f(alpha, 12345)\nf(alpha', ', 12345)').votes('', '')?.tokens.keys() ?? [])]).toEqual([eop]);
  });

  it('leaves it to the model whether the span goes on in another line, unless much agrees', () => {
    expect(cacheOf('f(alpha)\nmore\nf(alpha)').votes('', '')).toBeUndefined();
    const long = 'a call of the long function f(alpha)\nmore\na call of the long function f(alpha)';
    expect(tokenizer.decode([...(cacheOf(long).votes('', '')?.tokens.keys() ?? [])])).toMatch(/^\n/);
  });

  it('follows a span from line to line, and says that lines above may be copies', () => {
    const votes = cacheOf('if (alpha)\n  beta();\nif (').votes('alpha)\n  ', '');
    expect([...(votes?.tokens.keys() ?? [])]).toEqual([beta]);
    expect(votes?.evidence).toMatchObject({ started: true, later: true });
  });

  it('gives tokens that begin with what was typed but not fed', () => {
    expect([...(cacheOf('call(alpha)\ncall(').votes('al', 'al')?.tokens.keys() ?? [])]).toEqual([alpha]);
  });

  it('is silent where nothing matches, and on white space alone', () => {
    expect(cacheOf('something else\ncall(').votes('', '')).toBeUndefined();
    expect(cacheOf('    \n    beta\n    '.slice(-5)).votes('', '')).toBeUndefined();
    expect(cacheOf('').votes('', '')).toBeUndefined();
  });
});

const EVIDENCE = { matched: 9, following: 0, places: 1, started: false, later: false, ends: false };

describe('mixing', () => {
  const logits = Float32Array.of(1, 2, 3, 0);
  const tokens = new Map([
    [0, 0.6],
    [2, 0.4],
  ]);

  it('gives each token its share of both', () => {
    const total = logSumExp(logits);
    const own = Array.from(logits, (logit) => Math.exp(logit - total));
    const { logits: together, trust } = mixVotes(logits, { tokens, evidence: EVIDENCE });
    expect(trust).toBeGreaterThan(0);
    expect(trust).toBeLessThan(1);
    expect([...logits]).toEqual([1, 2, 3, 0]);
    const mixed = logSumExp(together);
    expect(totalOf(together)).toBeCloseTo(mixed, 5);
    const votes = [0.6, 0, 0.4, 0];
    for (const [id, logit] of together.entries()) {
      expect(Math.exp(logit - mixed)).toBeCloseTo((1 - trust) * (own[id] as number) + trust * (votes[id] as number), 5);
    }
  });

  it('trusts agreement before and after, and a model less that is not sure', () => {
    const trust = (evidence: Partial<Evidence>, own = logits) =>
      mixVotes(own, { tokens, evidence: { ...EVIDENCE, ...evidence } }).trust;
    expect(trust({ matched: 40 })).toBeGreaterThan(trust({}));
    expect(trust({ following: 20 })).toBeGreaterThan(trust({}));
    const sureOfAnother = Float32Array.of(0, 0, 0, 20);
    expect(trust({}, sureOfAnother)).toBeLessThan(trust({}));
  });

  it('leaves the model a voice whatever the evidence', () => {
    expect(gateTrust([1], [1000])).toBeLessThan(1);
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

  it('has rivals of the same distribution, with what the document gave each', async () => {
    const model = toy({ words: WORDS, voice: () => () => [beta] });
    const { tokens } = await fillBlank(model, passage, {
      ...options,
      documentCache: true,
      rivals: model.tokenizer.vocabSize,
    });
    const token = tokens[0];
    expect(token?.id).toBe(alpha);
    const all = [{ ...token, id: alpha }, ...(token?.rivals ?? [])];
    // All there are: together they are one distribution, and the document's parts are what it was trusted with.
    expect(all.reduce((sum, each) => sum + Math.exp(each.logProbability as number), 0)).toBeCloseTo(1, 5);
    expect(all.reduce((sum, each) => sum + (each.fromDocument ?? 0), 0)).toBeCloseTo(token?.trust as number, 6);
    expect(token?.rivals?.map(({ id }) => id)).not.toContain(alpha);
    const rival = token?.rivals?.find(({ id }) => id === beta);
    const alone = (await fillBlank(model, passage, { ...options, rivals: 1 })).tokens[0];
    expect(alone).toMatchObject({ id: beta });
    expect(alone).not.toHaveProperty('trust');
    expect(Math.exp(rival?.logProbability as number)).toBeCloseTo(
      (1 - (token?.trust as number)) * Math.exp(alone?.logProbability as number),
      5,
    );
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
