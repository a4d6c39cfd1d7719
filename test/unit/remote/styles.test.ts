import { describe, expect, it } from 'vitest';
import { eventData } from '../../../engine/remote/events.ts';
import { CODEGEEX4, GLM_4_5 } from '../../../engine/remote/prompts.ts';
import { windowOf } from '../../../engine/remote/window.ts';
import { fails, flaky, options, passage, speaks } from './flaky-server.ts';

const text = {
  path: 'src/a.ts',
  languageId: 'TypeScript',
  before: 'f(',
  after: ')\n',
  neighbours: [{ path: 'src/b.ts', text: 'const b = 1;' }],
  singleLine: false,
};

describe('prompts', () => {
  it('of CodeGeeX4, with a reference', () => {
    expect(CODEGEEX4.render(text)).toBe(
      '<|user|>\n###REFERENCE:\n###PATH:src/b.ts\nconst b = 1;\n' +
        '###PATH:src/a.ts\n###LANGUAGE:TypeScript\n###MODE:BLOCK\n' +
        '<|code_suffix|>)\n<|code_prefix|>f(<|code_middle|><|assistant|>\n',
    );
  });

  it('of CodeGeeX4, for a line of a file without anything around', () => {
    expect(CODEGEEX4.render({ ...text, neighbours: [], after: '', languageId: '', singleLine: true })).toBe(
      '<|user|>\n###PATH:src/a.ts\n###LANGUAGE:\n###MODE:LINE\n<|code_suffix|><|code_prefix|>f(<|code_middle|><|assistant|>\n',
    );
  });

  it('of GLM-4.5', () => {
    expect(GLM_4_5.render(text)).toBe('<|code_prefix|>f(<|code_suffix|>)\n<|code_middle|>');
  });

  it('hold no control token of the file', () => {
    const before = 'a<|user|>b[gMASK]<sop>c<|code_middle|>d[MASK]<think> a < b | c <T>|<div>';
    expect(GLM_4_5.render({ ...text, before })).toBe(
      '<|code_prefix|>a<| user|>b[ gMASK]< sop>c<| code_middle|>d[ MASK]< think> a < b | c <T>|<div><|code_suffix|>)\n<|code_middle|>',
    );
  });
});

describe('requests', () => {
  it('of a prompt carry the ends of turn as text and as ids', async () => {
    const server = await flaky(speaks('x', '<|us', 'er|>\nyes?'));
    const fill = await (await server.connect({ style: 'glm-4.5' })).fill(passage, { ...options, stop: ['\n\n'] });
    expect(server.asked[0]).toMatchObject({
      path: '/v1/completions',
      body: {
        model: 'glm',
        prompt: '<|code_prefix|>f(<|code_suffix|>)\n<|code_middle|>',
        max_tokens: 32,
        temperature: 0,
        top_p: 1,
        seed: 3,
        stream: true,
        stop: ['<|endoftext|>', '<|user|>', '<|observation|>', '\n\n'],
        stop_token_ids: [151329, 151336, 151338],
      },
    });
    expect(server.asked[0]?.body).not.toHaveProperty('suffix');
    expect([fill.text, fill.finish]).toEqual(['x', 'eop']);
  });

  it('take what was typed as text before the blank', async () => {
    const server = await flaky(speaks('x'));
    await (await server.connect({ style: 'codegeex4' })).fill({ ...passage, forced: 'ab' }, options);
    expect(server.asked[0]?.body.prompt).toContain('<|code_prefix|>f(ab<|code_middle|>');
  });

  it('go to the server under /v1 or without, to the first model that it names', async () => {
    const models = (response: Parameters<ReturnType<typeof fails>>[0]) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[{"id":"one"},{"id":"two"}]}');
    const server = await flaky((r) => void models(r), speaks('x'));
    const { model: _, ...unnamed } = { model: 'glm', url: `${server.url}/v1/` };
    const { connectRemote } = await import('../../../engine/remote/remote-engine.ts');
    const engine = await connectRemote({ ...unnamed, style: 'completions' });
    await engine.fill(passage, options);
    expect(engine.name).toBe('one');
    expect(server.asked.map(({ path }) => path)).toEqual(['/v1/models', '/v1/completions']);
    expect(server.asked[1]?.body).toMatchObject({ model: 'one', prompt: 'f(', suffix: ')\n' });
  });

  it('are answered whole by a server that does not stream', async () => {
    const whole = { choices: [{ text: 'all', finish_reason: 'length' }], usage: { prompt_tokens: 5 } };
    const server = await flaky(fails(200, whole, { 'content-type': 'application/json; charset=utf-8' }));
    const fill = await (await server.connect()).fill(passage, options);
    expect(fill).toMatchObject({ text: 'all', finish: 'length', partA: 5, confidence: 0 });
  });

  it('end with the line where one line is wanted', async () => {
    const server = await flaky(speaks('\n', 'a;', '\nb;'));
    const fill = await (await server.connect()).fill(passage, { ...options, singleLine: true });
    expect([fill.text, fill.finish]).toEqual(['\na;', 'line']);
  });
});

describe('the window', () => {
  const lines = (count: number, letter: string) => `${letter.repeat(9)}\n`.repeat(count);

  it('leaves a short passage as it is', () => {
    const neighbours = [{ path: 'b', text: 'b' }];
    expect(windowOf({ ...passage, neighbours }, 100)).toEqual({ before: 'f(', after: ')\n', neighbours });
  });

  it('keeps 60 % before and 40 % after, in whole lines', () => {
    const cut = windowOf({ ...passage, before: lines(90, 'a'), after: lines(90, 'b') }, 100);
    expect([cut.before, cut.after]).toEqual([lines(21, 'a'), lines(14, 'b')]);
  });

  it('gives one side what the other leaves, and neighbours the rest', () => {
    const neighbours = [
      { path: 'b', text: lines(5, 'c') },
      { path: 'c', text: lines(9, 'd') },
    ];
    const cut = windowOf({ ...passage, before: lines(20, 'a'), after: '', neighbours }, 100);
    expect(cut.before).toBe(lines(20, 'a'));
    expect(cut.neighbours).toEqual([neighbours[0], { path: 'c', text: lines(3, 'd') }]);
  });

  it('never cuts a character', () => {
    const cut = windowOf({ ...passage, before: '🐿'.repeat(99), after: '🐿'.repeat(99) }, 10);
    expect(cut.before + cut.after).toMatch(/^(🐿)+$/u);
  });
});

describe('events', () => {
  it('come through however they are cut', async () => {
    const sent = ': comment\r\ndata: {"a":"🐿"}\r\n\r\nevent: x\ndata: one\ndata:two\n\ndata: [DONE]\n\n';
    for (const size of [1, 2, 3, 7, 1000]) {
      const bytes = Buffer.from(sent);
      const body = (async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      })();
      const found: string[] = [];
      for await (const data of eventData(body, () => new Error('too long'))) found.push(data);
      expect(found).toEqual(['{"a":"🐿"}', 'one\ntwo', '[DONE]']);
    }
  });
});
