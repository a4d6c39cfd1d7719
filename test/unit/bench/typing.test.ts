/** The edit scripts of `npm run bench -- typing`, and who plays them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { figuresOf, toLines } from '../../bench/typing/figures.ts';
import { createPlayer } from '../../bench/typing/replay.ts';
import { drawScripts, type Script } from '../../bench/typing/script.ts';
import type { Client } from '../../server/client.ts';

const source = {
  path: 'a.ts',
  language: 'typescript',
  text: readFileSync('engine/infill/passage.ts', 'utf8').trimEnd(),
};

/** A server that suggests `says` of the text before the cursor, with a call of the model each time. */
function serverThat(says: (before: string) => string) {
  let document = TextDocument.create('', '', 0, '');
  let measured = () => {};
  const edits: { text: string; removed: number }[] = [];
  const client = {
    connection: {
      onNotification: (_method: string, listener: () => void) => {
        measured = listener;
      },
    },
    async open(text: string, uri: string) {
      document = TextDocument.create(uri, '', 0, text);
      return uri;
    },
    async edit(_uri: string, line: number, from: number, to: number, text: string) {
      const range = { start: { line, character: from }, end: { line, character: to } };
      edits.push({ text, removed: to - from });
      document = TextDocument.update(document, [{ range, text }], 0);
    },
    async complete(_uri: string, line: number, character: number) {
      const position = { line, character };
      measured();
      const insertText = says(document.getText({ start: { line: 0, character: 0 }, end: position }));
      return insertText === '' ? [] : [{ insertText, range: { start: position, end: position } }];
    },
  };
  return { player: createPlayer(client as unknown as Client), text: () => document.getText(), edits };
}

describe('an edit script', () => {
  const [script] = drawScripts([source], 300) as [Script];

  it('writes the source again, by typing, slips and jumps', async () => {
    const { player, text, edits } = serverThat(() => '');
    expect(script.text).not.toBe(source.text);
    const strokes = await player.play(script);
    expect(text()).toBe(source.text);
    expect(script.stretches).toHaveLength(3);
    const slips = script.stretches.flatMap((stretch) => stretch.slips);
    expect(slips.length).toBeGreaterThan(0);
    expect(edits.filter(({ removed }) => removed > 0)).toHaveLength(slips.length);
    expect(strokes).toHaveLength(edits.length);
  });

  it('writes the same with suggestions taken, over slips too, and counts what they cost', async () => {
    const { player, text } = serverThat((before) => {
      const at = source.text.indexOf(before.slice(-40)) + 40;
      return before.endsWith(' ') && at >= 40 ? source.text.slice(at, at + 20) : '';
    });
    const strokes = await player.play(script);
    expect(text()).toBe(source.text);
    const figures = figuresOf(strokes);
    expect(figures.accepted).toBeGreaterThan(0);
    expect(figures).toMatchObject({ keystrokes: strokes.length, calls: strokes.length, withoutCall: 0 });
  });

  it('is the same at every run', () => {
    expect(drawScripts([source], 300)).toEqual([script]);
  });
});

it('figures are nearest ranks and shares', () => {
  const strokes = Array.from({ length: 20 }, (_, i) => ({
    milliseconds: 20 - i,
    shown: i < 4,
    calls: i % 2,
    accepted: i === 0 ? 5 : 0,
    taking: i === 3,
  }));
  const figures = figuresOf(strokes);
  expect(figures).toEqual({
    keystrokes: 20,
    answer: { count: 20, p50: 10, p95: 19 },
    suggestion: { count: 4, p50: 18, p95: 20 },
    call: { count: 10, p50: 9, p95: 19 },
    withoutCall: 0.5,
    nextWithoutCall: 0,
    calls: 10,
    accepted: 5,
    callsPerAccepted: 2,
  });
  expect(toLines({ one: figures })[1]).toMatch(/keystroke to answer, p50 \/ p95 ms +10\.0 \/ 19\.0/);
});
