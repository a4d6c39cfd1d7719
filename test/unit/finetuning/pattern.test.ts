/** Patterns: what they read as, how they are filled and shortened, and what is said of wrong ones. */
import { describe, expect, it } from 'vitest';
import { answeredSample, fillPattern, parsePattern, withLabel } from '../../../engine/finetuning/pattern.ts';
import { headerTokens } from '../../../engine/infill/passage.ts';
import { toyTokenizer } from '../infill/toy.ts';

const tokenizer = toyTokenizer();
const { special } = tokenizer;
const shown = (texts: string[], fields: Record<string, string>, limit = 200) => {
  const { tokens, blank } = fillPattern(tokenizer, parsePattern(texts, 'p', 1), fields, limit);
  expect([tokens[0], tokens.at(-1)]).toEqual([special.enc, special.eos]);
  const at = blank as number;
  return `${tokenizer.decode(tokens.slice(1, at))}_${tokenizer.decode(tokens.slice(at, -1))}`;
};

describe('a pattern', () => {
  it('is filled with fields around its blank', () => {
    expect(shown(['"{b~}" ?', '{mask}, "{a~}"'], { a: 'It rains.', b: 'Wet' })).toBe('"Wet" ?_, "It rains."');
    expect(shown(['{{{a}}}{mask}'], { a: '{mask}' })).toBe('{{mask}}_');
  });

  it('gives the space before a field to the field', () => {
    expect(parsePattern(['x {a~}{mask}'], 'p', 1)).toEqual([
      [{ kind: 'text', text: 'x' }, { kind: 'field', name: 'a', shortenable: true, space: true }, { kind: 'mask' }],
    ]);
  });

  it('is shortened at the end of the last such field of the longer side', () => {
    const fields = { a: 'aaaaaaaa', b: 'bbbb', c: 'cc' };
    const texts = ['{a~}-{c}', '{b~}{mask}'];
    // All is 8 + 1 + 2 + 4 and the mask, with [CLS] and eos 18.
    expect(shown(texts, fields, 18)).toBe('aaaaaaaa-ccbbbb_');
    expect(shown(texts, fields, 15)).toBe('aaaaa-ccbbbb_');
    expect(shown(texts, fields, 12)).toBe('aaa-ccbbb_');
    expect(() => shown(texts, fields, 5)).toThrow('too long for 5: mark a field as shortenable');
  });

  it.each([
    [['no blank'], 'has 0 blanks'],
    [['{mask}{mask}'], 'has 2 blanks'],
    [['{mask} {a'], 'single brace'],
    [['a', 'b', '{mask}'], 'has 3 sides'],
    [['{#sop}{mask}'], 'has {#sop}; there are {#path}, {#neighbour}, {#code}, {#instruction}'],
  ])('is refused as %j', (texts, said) => {
    expect(() => parsePattern(texts, 'The pattern of x', 1)).toThrow(said);
  });

  it('has the header that pretraining and editor have, token by token', () => {
    const pattern = parsePattern(['{#path}a.{mask}{#code}{code~}'], 'p', 1);
    const { tokens, blank } = fillPattern(tokenizer, pattern, { code: '<|code|>x' }, 40);
    const header = headerTokens(tokenizer, 'a.');
    expect(tokens.slice(0, blank)).toEqual([special.enc, ...header.slice(0, -1)]);
    expect(tokens.slice(blank, -1)).toEqual([header.at(-1), ...tokenizer.encode('<|code|>x')]);
    const { path: _, ...others } = special;
    const bare = { ...tokenizer, special: others };
    expect(() => fillPattern(bare, pattern, { code: 'x' }, 40)).toThrow('{#path}, but the model');
  });

  it('takes the text of a label, which may be a pattern of its own', () => {
    expect(withLabel(['{#path}{label}', '{label}'], "{x~} $& {{'"), 'every place').toEqual([
      "{#path}{x~} $& {{'",
      "{x~} $& {{'",
    ]);
  });

  it('names a field that an example lacks', () => {
    expect(() => shown(['{q}{mask}'], {})).toThrow('no field "q"');
  });

  it('becomes a sample whose span stands at its mask', () => {
    const filled = fillPattern(tokenizer, parsePattern(['a{mask}b'], 'p', 1), {}, 20);
    const sample = answeredSample(tokenizer, 'rotary-2d', filled, tokenizer.encode('xy'), 'sentence');
    const [x, y] = tokenizer.encode('xy') as [number, number];
    expect([...sample.tokens.slice(sample.sep)]).toEqual([special.sop, x, y]);
    expect([...sample.targets.slice(sample.sep)]).toEqual([x, y, special.eop]);
    expect(sample.tokens[2]).toBe(special.sentenceMask);
    expect([...sample.positions.slice(sample.sep)]).toEqual([2, 2, 2]);
    expect([...sample.blockPositions.slice(sample.sep)]).toEqual([1, 2, 3]);
  });
});
