import { describe, expect, it } from 'vitest';
import { isFromPage, isToPage, isTrace } from '../../../media/lens/messages.ts';
import { sampleTrace } from './trace.ts';

describe('messages of the page', () => {
  it.each([{ type: 'ready' }, { type: 'copy', text: '{}' }, { type: 'save', svg: '<svg xmlns="x"></svg>' }])(
    'are heard: %j',
    (message) => expect(isFromPage(message)).toBe(true),
  );

  it.each([
    undefined,
    null,
    'ready',
    [],
    { type: 'run', command: 'x' },
    { type: 'copy' },
    { type: 'copy', text: 1 },
    { type: 'save', svg: '<html>' },
    { type: 'save', svg: 'x'.repeat(33_000_000) },
  ])('of any other form are not', (message) => expect(isFromPage(message)).toBe(false));
});

describe('a trace', () => {
  it('is accepted as the engine makes it, also after a journey as JSON', () => {
    expect(isToPage({ type: 'trace', trace: sampleTrace() })).toBe(true);
    expect(isTrace(JSON.parse(JSON.stringify(sampleTrace())))).toBe(true);
    expect(isToPage({ type: 'trace', trace: null })).toBe(true);
  });

  const [first, start] = [sampleTrace().partA[0], sampleTrace().partB[0]];
  it.each<[string, object]>([
    ['format', { format: 2 }],
    ['model', { model: 1 }],
    ['separator', { separator: 4 }],
    ['parts', { partA: {} }],
    ['Part A without positions', { partA: [{ ...first, position: undefined }], separator: 1 }],
    ['positions that are no numbers', { partA: [{ ...first, position: Number.NaN }], separator: 1 }],
    ['origin', { partB: [{ ...start, origin: '<b>' }] }],
    ['row', { partB: [{ ...start, row: 'x' }] }],
    ['a blank outside Part A', { partB: [{ ...start, blank: 3 }] }],
    ['a span outside Part A', { spans: [{ ...sampleTrace().spans[0], blank: -1 }] }],
    ['a span', { spans: [{ blank: 1 }] }],
    ['rivals', { partB: [{ ...start, rivals: [{ id: 1 }] }] }],
    ['share of the document', { partB: [{ ...start, trust: '1' }] }],
    ['rival', { partB: [{ ...start, rivals: [{ id: 1, text: '', logProbability: 0, fromDocument: null }] }] }],
    ['timings', { timings: { tokenize: 0 } }],
  ])('with a wrong %s is refused', (_, wrong) => {
    expect(isTrace({ ...sampleTrace(), ...wrong })).toBe(false);
  });
});
