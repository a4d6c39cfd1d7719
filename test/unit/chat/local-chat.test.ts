/** Conversations with a toy model that says what it is told to. */
import { describe, expect, it } from 'vitest';
import type { ChatMessage, ChatOptions, ChatPiece } from '../../../engine/chat/chat-model.ts';
import { createLocalChat } from '../../../engine/chat/local-chat.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { toy } from '../infill/toy.ts';

const THINK = 11;
const THOUGHT = 12;
const never = new AbortController().signal;

/** A model whose answer is these tokens, with a prompt that only joins the messages. */
function saying(answer: (encode: (text: string) => number[], eop: number) => number[]) {
  const model = toy({
    voice: (tokenizer) => {
      const tokens = answer(tokenizer.encode, tokenizer.special.eop);
      return (_, soFar) => [tokens[soFar.length] ?? tokenizer.special.eop];
    },
  });
  const { special, encode } = model.tokenizer;
  const tokenizer = { ...model.tokenizer, special: { ...special, thoughts: [THINK, THOUGHT] as const } };
  const asked: string[] = [];
  const prompt = (messages: readonly ChatMessage[]) => {
    asked.push(messages.map(({ content }) => content).join('|'));
    return [...encode(messages.map(({ content }) => content).join('')), special.documentMask, special.sop];
  };
  return { model, asked, chat: createLocalChat({ ...model, tokenizer }, prompt) };
}

async function ask(chat: ReturnType<typeof saying>['chat'], messages: ChatMessage[], options: ChatOptions = {}) {
  const pieces: ChatPiece[] = [];
  const { usage: _, ...answer } = await chat.answer(messages, options, (piece) => pieces.push(piece), never);
  const text = (thought: boolean) =>
    pieces
      .filter((piece) => (piece.thought ?? false) === thought)
      .map((piece) => piece.text)
      .join('');
  return { ...answer, said: text(false), thought: text(true) };
}

const user = (content: string): ChatMessage => ({ role: 'user', content });

describe('an answer', () => {
  it('is streamed without what was thought, the white space before it, or its end', async () => {
    const { chat, model } = saying((encode) => [THINK, ...encode('\nhm'), THOUGHT, ...encode('\n\nhé 😀')]);
    expect(await ask(chat, [user('q')])).toEqual({ finish: 'end', said: 'hé 😀', thought: 'hm' });
    expect(model.open).toBe(0);
  });

  it('ends at a limit, and goes on after half a character', async () => {
    const half = saying((encode) => [...encode('a'), ...encode('é').slice(0, 1), ...encode('b')]);
    expect(await ask(half.chat, [user('q')])).toEqual({ finish: 'end', said: 'a\ufffdb', thought: '' });
    expect(await ask(half.chat, [user('q')], { maxTokens: 1 })).toEqual({ finish: 'length', said: 'a', thought: '' });
  });

  it('ends before a stop string, of which nothing is shown, and shows what only began like one', async () => {
    const { chat } = saying((encode) => [THINK, ...encode('hm'), THOUGHT, ...encode('a</b </answer> c')]);
    const stopped = (stop: string[]) => ask(chat, [user('q')], { stop });
    expect(await stopped(['</answer>'])).toEqual({ finish: 'end', said: 'a</b ', thought: 'hm' });
    expect(await stopped(['c!', '> cd'])).toEqual({ finish: 'end', said: 'a</b </answer> c', thought: 'hm' });
  });

  it('tells how many tokens were read and written', async () => {
    const { chat, model } = saying((encode) => [THINK, ...encode('hm'), THOUGHT, ...encode('abc')]);
    const { usage } = await chat.answer([user('question')], {}, () => undefined, never);
    const { encode } = model.tokenizer;
    expect(usage).toEqual({
      prompt: encode('question').length + 2,
      answer: 2 + encode('hm').length + encode('abc').length,
    });
  });

  it('forgets the oldest exchanges that do not fit, never what the system says', async () => {
    const { chat, asked } = saying((encode) => encode('ok'));
    const long = 'x'.repeat(120);
    const messages: ChatMessage[] = [
      { role: 'system', content: 'S' },
      user(`1${long}`),
      { role: 'assistant', content: 'a' },
      user(`2${long}`),
      { role: 'assistant', content: 'b' },
      user('3'),
    ];
    await ask(chat, messages);
    expect(asked.at(-1)).toBe(`S|2${long}|b|3`);
    await expect(ask(chat, [user('x'.repeat(300))])).rejects.toThrow(
      /takes 302 tokens, but the model holds \d+: send less/,
    );
  });

  it('stops when it is no longer wanted', async () => {
    const { chat, model } = saying((encode) => encode('abc'));
    const stop = new AbortController();
    const answer = chat.answer([user('q')], {}, () => stop.abort(), stop.signal);
    await expect(answer).rejects.toThrow(/abort/i);
    expect(model.open).toBe(0);
  });
});

it('text that a vocabulary cannot write is passed over, not refused', async () => {
  const { model } = saying((encode) => encode('x'));
  const { tokenizer } = model;
  const bytes = (id: number) =>
    tokenizer.bytes(id).some((byte) => byte >= 0x80) ? new Uint8Array() : tokenizer.bytes(id);
  const decodeBytes = (tokens: Iterable<number>) => Uint8Array.from([...tokens].flatMap((id) => [...bytes(id)]));
  const passage = {
    path: '',
    languageId: '',
    before: 'a',
    after: 'b',
    forced: 'é',
    neighbours: [],
    kind: 'token' as const,
  };
  const options = { maxTokens: 4, temperature: 0, topP: 1, seed: 0, singleLine: false, timeLimit: 0 };
  const fill = await fillBlank({ ...model, tokenizer: { ...tokenizer, bytes, decodeBytes } }, passage, options);
  expect(fill).toMatchObject({ text: 'x', finish: 'eop' });
});
