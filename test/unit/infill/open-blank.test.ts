import { describe, expect, it } from 'vitest';
import type { FilledToken, Passage } from '../../../engine/infill/fill.ts';
import { createInfiller, fillBlank } from '../../../engine/infill/infill.ts';
import { options, passage, recite } from './passages.ts';
import { toy, type toyTokenizer } from './toy.ts';

describe('a blank that stays open', () => {
  const words = ['return', ' value'];

  it('reads Part A once and feeds only what is new', async () => {
    const model = recite('return value;', { words });
    const infiller = createInfiller(model);
    const streamed: FilledToken[] = [];
    for (const forced of ['', 'r', 'retu', 'return', 'return v', 'return value']) {
      const fill = await infiller.fill({ ...passage, forced }, options, { onToken: (token) => streamed.push(token) });
      const fresh = await fillBlank(recite('return value;', { words }), { ...passage, forced }, options);
      expect({ ...fill, timings: 0 }).toEqual({ ...fresh, timings: 0 });
    }
    expect(model.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    expect(streamed.map(({ text }) => text).slice(0, 3)).toEqual(['return', ' value', ';']);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });

  it('gives forced tokens the same probabilities whether they were held, typed over or new', async () => {
    const letters = (tokenizer: ReturnType<typeof toyTokenizer>) => (soFar: Uint8Array) =>
      tokenizer.encode('abcdefgh'.slice(soFar.length % 5));
    const model = toy({ voice: letters });
    const infiller = createInfiller(model);
    for (const forced of ['xyxy', 'xyxyab', 'xyzz', 'x', 'xyxyabcc', '']) {
      const fill = await infiller.fill({ ...passage, forced }, { ...options, maxTokens: 3 });
      const fresh = await fillBlank(toy({ voice: letters }), { ...passage, forced }, { ...options, maxTokens: 3 });
      expect({ ...fill, timings: 0 }).toEqual({ ...fresh, timings: 0 });
    }
    await infiller.dispose();
  });

  it('is opened anew when the text around it changes, or when typing has used up its room', async () => {
    const model = recite('x'.repeat(80));
    const infiller = createInfiller(model, { typing: 4 });
    const reads = () => model.calls.filter((call) => call.startsWith('read')).length;
    const short = { ...options, maxTokens: 2 };
    await infiller.fill(passage, short);
    await infiller.fill({ ...passage, forced: 'xxxx' }, short);
    expect(reads()).toBe(1);
    await infiller.fill({ ...passage, forced: 'xxxxx' }, short);
    expect(reads()).toBe(2);
    const changes: Partial<Passage>[] = [
      { before: 'b' },
      { after: 'a' },
      { path: 'p' },
      { kind: 'sentence' },
      { reachesEnd: false },
      { neighbours: [{ path: 'n', text: 't' }] },
    ];
    for (const change of changes) {
      await infiller.fill(passage, short);
      const before = reads();
      await infiller.fill({ ...passage, ...change }, short);
      expect(reads()).toBe(before + 1);
    }
    const before = reads();
    await infiller.fill(passage, { ...short, contextTokens: 40 });
    await infiller.fill(passage, { ...short, contextTokens: 40 });
    await infiller.fill(passage, { ...short, contextTokens: 50 });
    expect(reads()).toBe(before + 2);
    expect(model.open).toBe(1);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });

  it('stays while one more is opened aside, until the next call wants one of the two', async () => {
    const model = recite('return value;', { words });
    const infiller = createInfiller(model);
    const reads = () => model.calls.filter((call) => call.startsWith('read')).length;
    const next = { ...passage, before: 'return value;\n' };
    await infiller.fill(passage, options);
    await infiller.fill(next, { ...options, aside: true });
    expect([reads(), model.open]).toEqual([2, 2]);
    await infiller.fill({ ...passage, forced: 'ret' }, options);
    await infiller.fill(next, options);
    await infiller.fill({ ...next, forced: 'r' }, options);
    await new Promise(setImmediate);
    expect([reads(), model.open]).toEqual([2, 1]);
    await infiller.fill(passage, { ...options, aside: true });
    await infiller.fill({ ...passage, before: 'elsewhere' }, options);
    await new Promise(setImmediate);
    expect([reads(), model.open]).toEqual([4, 1]);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });

  it('survives an aborted call', async () => {
    const stop = new AbortController();
    const model = recite('return value;', { words });
    const infiller = createInfiller(model);
    const aborted = infiller.fill(passage, options, { signal: stop.signal, onToken: () => stop.abort() });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect((await infiller.fill({ ...passage, forced: 'ret' }, options)).text).toBe('urn value;');
    expect(model.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    await infiller.dispose();
  });

  it('keeps a reading that a keystroke overtakes, and gives it up when the passage changes', async () => {
    const stop = new AbortController();
    const model = recite('return value;', { words, onCall: (call) => call.startsWith('read') && stop.abort() });
    const infiller = createInfiller(model);
    const overtaken = infiller.fill(passage, options, { signal: stop.signal });
    await expect(overtaken).rejects.toMatchObject({ name: 'AbortError' });
    expect((await infiller.fill({ ...passage, forced: 'ret' }, options)).text).toBe('urn value;');
    expect(model.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    await infiller.fill({ ...passage, before: 'other' }, options);
    expect(model.calls.filter((call) => call.startsWith('read'))).toHaveLength(2);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });

  it.each([true, false])('ends a reading with the call where that is asked for (%s)', async (stopsReading) => {
    const stop = new AbortController();
    const model = recite('return value;', { words });
    const { open } = model.runtime;
    model.runtime.open = (capacity) => {
      const session = open(capacity);
      session.read = (_, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          stop.abort();
        });
      return session;
    };
    const infiller = createInfiller(model);
    const aborted = infiller.fill(passage, options, { signal: stop.signal, stopsReading });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await new Promise(setImmediate);
    expect(model.open).toBe(stopsReading ? 0 : 1);
    await infiller.dispose();
    expect(model.open).toBe(0);
  });
});
