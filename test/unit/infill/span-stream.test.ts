import { describe, expect, it } from 'vitest';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { createSpanStream } from '../../../engine/infill/span-stream.ts';
import { options, passage } from './passages.ts';
import { reciting, toy } from './toy.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** What a stream gives for each of the texts, and where it stopped. */
function streamed(texts: readonly string[], stops: readonly string[]) {
  const stream = createSpanStream(stops);
  return { given: texts.map((text) => stream.take(bytes(text))), stopped: stream.stopped };
}

describe('a span as it grows', () => {
  it.each<[string[], string[], string[], string | undefined]>([
    [['ab', 'c'], [], ['ab', 'c'], undefined],
    [['a;', '\n', '\n', 'b'], ['\n\n'], ['a;', '', '', ''], 'a;'],
    [['a\n', 'b'], ['\n\n'], ['a', '\nb'], undefined],
    [['xaa', 'b'], ['aab'], ['x', ''], 'x'],
    [['aaa', 'b'], ['aab'], ['a', ''], 'a'],
    [['one two'], ['two', 'one'], [''], ''],
    [['a', 'b'], [''], ['a', 'b'], undefined],
  ])('%j with stops %j gives %j', (texts, stops, given, stopped) => {
    expect(streamed(texts, stops)).toEqual({ given, stopped });
  });

  it('gives whole characters only', () => {
    const stream = createSpanStream();
    const squirrel = bytes('a🐿');
    expect([...squirrel].map((byte) => stream.take(Uint8Array.of(byte)))).toEqual(['a', '', '', '', '🐿']);
  });
});

describe('stop strings of a fill', () => {
  const model = () => toy({ words: ['one', ';\n'], voice: (tokenizer) => reciting(tokenizer, 'one;\n}\nmore') });

  it.each([true, false])('end it, whether or not somebody listens (%s)', async (listens) => {
    const pieces: string[] = [];
    const hooks = listens ? { onToken: (_: unknown, text: string) => void pieces.push(text) } : {};
    const fill = await fillBlank(model(), passage, { ...options, stop: ['\n}'] }, hooks);
    expect([fill.text, fill.finish]).toEqual(['one;', 'stop']);
    expect(pieces.join('')).toBe(listens ? 'one;' : '');
  });

  it('are not looked for in what is forced', async () => {
    const fill = await fillBlank(model(), { ...passage, forced: 'one' }, { ...options, stop: ['one', 'mo'] });
    expect([fill.text, fill.finish]).toEqual([';\n}\n', 'stop']);
  });
});
