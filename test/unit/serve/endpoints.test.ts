import { describe, expect, it } from 'vitest';
import { events, serving } from './serving.ts';

const emoji = new TextEncoder().encode('🐿️');

describe('POST /v1/completions', () => {
  it('fills between prompt and suffix', async () => {
    const { engine, post } = await serving();
    const asked = {
      model: 'scripted',
      prompt: 'a(',
      suffix: ')',
      max_tokens: 9,
      temperature: 0.3,
      top_p: 0.9,
      seed: 5,
    };
    const response = await post('/v1/completions', { ...asked, stop: ['\n\n'], path: 'x.ts' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'scripted',
      choices: [{ index: 0, text: '<a(|)>', logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    });
    expect(engine.calls[0]?.passage).toMatchObject({ before: 'a(', after: ')', path: 'x.ts', reachesEnd: true });
    expect(engine.calls[0]?.options).toMatchObject({
      maxTokens: 9,
      temperature: 0.3,
      topP: 0.9,
      seed: 5,
      stop: ['\n\n'],
    });
  });

  it('has the defaults of OpenAI, and an open end without a suffix', async () => {
    const { engine, post } = await serving();
    await post('/v1/completions', { prompt: ['a'], suffix: null });
    expect(engine.calls[0]?.passage).toMatchObject({ before: 'a', after: '', reachesEnd: false });
    expect(engine.calls[0]?.options).toMatchObject({ maxTokens: 16, temperature: 1, topP: 1, stop: [] });
  });

  it('streams whole characters, then the reason, usage and [DONE]', async () => {
    const { post } = await serving(() => ['a', emoji.subarray(0, 2), emoji.subarray(2), 'c']);
    const options = { stream: true, stream_options: { include_usage: true }, logprobs: 0 };
    const response = await post('/v1/completions', { prompt: '', max_tokens: 4, ...options });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const sent = events(await response.text());
    expect(sent.pop()).toBe('[DONE]');
    const chunks = sent.map((event) => JSON.parse(event));
    expect(chunks.pop()).toMatchObject({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 4 } });
    expect(chunks.map(({ choices }) => choices[0].text)).toEqual(['a', '🐿️', 'c', '']);
    expect(chunks.map(({ choices }) => choices[0].finish_reason)).toEqual([null, null, null, 'length']);
    expect(chunks[1].choices[0].logprobs).toMatchObject({ token_logprobs: [-0.5, -0.5], text_offset: [1, 2] });
  });

  it('ends before a stop string that spans tokens, and streams none of it', async () => {
    const { post } = await serving(() => ['one;', '\n', '}', '\nmore']);
    const body = { prompt: '', stop: '\n}' };
    const whole = await (await post('/v1/completions', body)).json();
    expect(whole.choices[0]).toMatchObject({ text: 'one;', finish_reason: 'stop' });
    const streamed = events(await (await post('/v1/completions', { ...body, stream: true })).text());
    const texts = streamed.slice(0, -1).map((event) => JSON.parse(event).choices[0].text);
    expect(texts.join('')).toBe('one;');
  });

  it('gives back what looked like a stop string but was none', async () => {
    const { post } = await serving(() => ['a', '\n', '\n']);
    const sent = events(await (await post('/v1/completions', { prompt: '', stop: '\n\n\n', stream: true })).text());
    expect(sent.slice(0, -1).map((event) => JSON.parse(event).choices[0].text)).toEqual(['a', '\n\n']);
  });

  it.each([
    [{}, 'prompt', 400],
    [{ prompt: [1, 2] }, 'prompt', 400],
    [{ prompt: ['a', 'b'] }, 'prompt', 400],
    [{ prompt: 'a', suffix: 1 }, 'suffix', 400],
    [{ prompt: 'a', max_tokens: 0 }, 'max_tokens', 400],
    [{ prompt: 'a', max_tokens: 1.5 }, 'max_tokens', 400],
    [{ prompt: 'a', temperature: -1 }, 'temperature', 400],
    [{ prompt: 'a', top_p: 0 }, 'top_p', 400],
    [{ prompt: 'a', seed: 'x' }, 'seed', 400],
    [{ prompt: 'a', n: 2 }, 'n', 400],
    [{ prompt: 'a', best_of: 2 }, 'best_of', 400],
    [{ prompt: 'a', echo: true }, 'echo', 400],
    [{ prompt: 'a', presence_penalty: 1 }, 'presence_penalty', 400],
    [{ prompt: 'a', frequency_penalty: -1 }, 'frequency_penalty', 400],
    [{ prompt: 'a', logit_bias: { 50256: -100 } }, 'logit_bias', 400],
    [{ prompt: 'a', logprobs: 3 }, 'logprobs', 400],
    [{ prompt: 'a', stream: 'yes' }, 'stream', 400],
    [{ prompt: 'a', stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop', 400],
    [{ prompt: 'a', stop: '' }, 'stop', 400],
    [{ prompt: 'a', stream_options: [] }, 'stream_options', 400],
    [{ prompt: 'a', model: 'gpt-9' }, 'model', 404],
  ])('refuses %j and names the field', async (body, param, status) => {
    const { engine, post } = await serving();
    const response = await post('/v1/completions', body);
    expect(response.status).toBe(status);
    const { error } = await response.json();
    expect(error).toMatchObject({ param, message: expect.stringContaining(param), type: expect.any(String) });
    expect(engine.calls).toEqual([]);
  });
});

describe('POST /infill', () => {
  it('fills with chunks of other files and what was typed', async () => {
    const { engine, post } = await serving();
    const input_extra = [{ text: 'old' }, { filename: 'near.ts', text: 'new' }];
    const response = await post('/infill', {
      input_prefix: 'a',
      input_suffix: 'b',
      input_extra,
      prompt: 'c',
      n_predict: 8,
    });
    expect(await response.json()).toEqual({
      index: 0,
      content: '<a|b>',
      stop: true,
      model: 'scripted',
      tokens_predicted: 3,
      tokens_evaluated: 7,
      stop_type: 'eos',
      timings: { prompt_n: 7, prompt_ms: 1, predicted_ms: 2 },
    });
    expect(engine.calls[0]?.passage).toMatchObject({ before: 'a', after: 'b', forced: 'c' });
    expect(engine.calls[0]?.passage.neighbours).toEqual([
      { path: 'near.ts', text: 'new' },
      { path: '', text: 'old' },
    ]);
    expect(engine.calls[0]?.options).toMatchObject({ maxTokens: 8, temperature: 0.8, topP: 0.95 });
  });

  it('streams', async () => {
    const { post } = await serving();
    const sent = events(await (await post('/infill', { input_prefix: 'a', n_predict: 2, stream: true })).text());
    const chunks = sent.map((event) => JSON.parse(event));
    expect(chunks.map(({ content, stop }) => [content, stop])).toEqual([
      ['<a', false],
      ['|', false],
      ['', true],
    ]);
    expect(chunks.at(-1)).toMatchObject({ stop_type: 'limit', tokens_predicted: 2 });
  });

  it('needs no model where no token is asked for', async () => {
    const { engine, post } = await serving();
    const response = await post('/infill', { input_prefix: 'a', n_predict: 0 });
    expect(await response.json()).toMatchObject({ content: '', stop: true, tokens_predicted: 0 });
    expect(engine.calls).toEqual([]);
  });

  it("keeps to the client's time limit, or the server's where that is shorter", async () => {
    const { engine, post } = await serving(undefined, { requestTime: 50_000 });
    await post('/infill', { t_max_predict_ms: 250 });
    await post('/infill', { t_max_predict_ms: 90_000 });
    expect(engine.calls[0]?.options.timeLimit).toBe(250);
    expect(engine.calls[1]?.options.timeLimit).toBeLessThanOrEqual(50_000);
  });

  it.each([
    [{ input_prefix: 1 }, 'input_prefix'],
    [{ input_extra: 'x' }, 'input_extra'],
    [{ input_extra: [{ filename: 'x' }] }, 'input_extra'],
    [{ t_max_predict_ms: -1 }, 't_max_predict_ms'],
    [{ n_predict: -2 }, 'n_predict'],
  ])('refuses %j and names the field', async (body, param) => {
    const { post } = await serving();
    const response = await post('/infill', body);
    expect(response.status).toBe(400);
    expect((await response.json()).error).toMatchObject({ param, type: 'invalid_request_error' });
  });
});

describe('a model that fails', () => {
  const failing = () => {
    throw new Error('weights of /home/me are damaged');
  };

  it('is a plain 500; the reason is logged, not sent', async () => {
    const lines: string[] = [];
    const { post } = await serving(failing, { log: (line) => lines.push(line) });
    const response = await post('/v1/completions', { prompt: 'secret text' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('/home/me');
    expect(lines.join()).toContain('weights of /home/me are damaged');
    expect(lines.join()).not.toContain('secret text');
  });

  it('within a stream ends it with an error and without [DONE]', async () => {
    const { engine, post } = await serving(() => ['a', 'b']);
    const { fill } = engine;
    engine.fill = async (passage, options, hooks) => {
      await fill(passage, { ...options, maxTokens: 1 }, hooks);
      throw new Error('lost');
    };
    const sent = events(await (await post('/v1/completions', { prompt: '', stream: true })).text());
    expect(sent.map((event) => JSON.parse(event)).map(({ error, choices }) => error?.code ?? choices[0].text)).toEqual([
      'a',
      'model_failed',
    ]);
  });
});
