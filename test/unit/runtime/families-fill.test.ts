/** Checkpoints of each form, with random weights, from folder to fill and to answer: what they are asked and that they say something. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatPrompt } from '../../../engine/chat/chat-prompt.ts';
import { type Engine, loadEngine } from '../../../engine/index.ts';
import type { Passage } from '../../../engine/infill/fill.ts';
import { type LoadedModel, loadModel } from '../../../engine/load-model.ts';
import { TEMPLATE_HOST } from '../onnx/bundle.ts';
import { randomCheckpoint } from './random-checkpoint.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-families-'));
afterAll(() => rmSync(home, { recursive: true }));

const passage: Passage = {
  path: 'src/sum.py',
  languageId: 'python',
  before: 'def add(a, b):\n    return ',
  after: '\n\nprint(add(1, 2))\n',
  forced: '',
  neighbours: [{ path: 'src/other.py', text: 'x = 1' }],
  kind: 'sentence',
};
const options = { maxTokens: 6, temperature: 0, topP: 1, seed: 0, singleLine: false, timeLimit: 0 };

const forms = {
  chatglm3: {
    golden: 'chatglm3-6b',
    config: { padded_vocab_size: 1024 },
    tokenizer: { 'tokenizer.model': 'bpe.model' },
  },
  codegeex2: {
    golden: 'codegeex2-6b',
    config: { padded_vocab_size: 1024 },
    tokenizer: { 'tokenizer.model': 'bpe.model' },
  },
  'glm-4': {
    golden: 'glm-4-9b',
    config: { padded_vocab_size: 1024 },
    tokenizer: { 'tokenizer.model': 'tiktoken.model' },
  },
  'chatglm-6b': {
    golden: 'chatglm-6b',
    config: { vocab_size: 130528, hidden_size: 16, inner_hidden_size: 16, num_attention_heads: 1, num_layers: 1 },
    tokenizer: { 'ice_text.model': 'ice_text.model' },
  },
};

/** The tokens of Part A of the last fill, and the first of Part B: control tokens by name, text joined. */
function asked({ tokenizer }: LoadedModel, ids: readonly number[]): string {
  const names = new Map([...tokenizer.named].map(([name, id]) => [id, name]));
  let text: number[] = [];
  let joined = '';
  for (const id of ids) {
    if (!names.has(id)) text.push(id);
    else {
      joined += `${tokenizer.decode(text)}{${names.get(id)}}`;
      text = [];
    }
  }
  return joined + tokenizer.decode(text);
}

async function prompts(model: LoadedModel) {
  const { family, path, release = family } = model.folder;
  return chatPrompt({ tokenizer: model.tokenizer, path, family, release, limits: { host: TEMPLATE_HOST } });
}

describe.each(Object.entries(forms))('%s', (name, form) => {
  let folder: string;
  let model: LoadedModel;
  let engine: Engine;
  beforeAll(async () => {
    folder = await randomCheckpoint(home, form);
    model = await loadModel(folder, { threads: 1 });
    engine = await loadEngine({ modelFolder: folder, threads: 1 });
  }, 120_000);
  afterAll(async () => {
    await engine?.dispose();
    model?.runtime.dispose();
  });

  it('fills a blank, again with what was typed, and several of one text', async () => {
    expect(engine.name).toBe(name);
    const first = await engine.fill(passage, options);
    expect(first.tokens.length).toBeGreaterThan(0);
    expect(engine.trace()?.partB.length).toBeGreaterThan(first.tokens.length - 1);
    const typed = await engine.fill({ ...passage, forced: 'a' }, options);
    expect(typed.timings.read).toBe(0);
    expect(typed.tokens.length).toBeGreaterThan(0);
    const { path, languageId, neighbours, kind } = passage;
    const blank = { state: 'open', forced: '' } as const;
    const texts = ['x = ', '\ny = ', '\nz = ', '\n'];
    const blanks = [
      blank,
      { state: 'kept', forced: '1 + 1' } as const,
      { ...blank, state: 'edited', forced: 'a' } as const,
    ];
    const several = await engine.fillBlanks({ path, languageId, neighbours, kind, texts, blanks }, options);
    expect(several.blanks.map(({ finish }) => finish === 'kept')).toEqual([false, true, false]);
    expect(several.order).toEqual([1, 0, 2]);
    expect(several.oneByOne).toBe(name === 'chatglm-6b' ? undefined : true);
    expect(engine.trace()?.spans.length).toBeGreaterThan(0);
    expect(engine.trace()?.causal).toBe(name === 'chatglm-6b' ? undefined : true);
  });

  it('answers a message where the model was trained to converse', async () => {
    const { chat } = engine;
    expect(chat === undefined).toBe(name === 'codegeex2');
    if (!chat) return;
    let text = '';
    const answer = await chat.answer(
      [{ role: 'user', content: 'hello' }],
      { maxTokens: 24 },
      (piece) => {
        text += piece.text;
      },
      new AbortController().signal,
    );
    expect(['end', 'length']).toContain(answer.finish);
    expect(answer.finish === 'end' || text.length > 0).toBe(true);
    const long = { role: 'user', content: 'word '.repeat(5000) } as const;
    await expect(chat.answer([long], {}, () => undefined, new AbortController().signal)).rejects.toThrow(
      /send less of it/,
    );
    const aborted = AbortSignal.abort();
    await expect(chat.answer([{ role: 'user', content: 'a' }], {}, () => undefined, aborted)).rejects.toThrow();
  });

  it('asks as the authors do', async () => {
    const messages = [
      { role: 'user', content: 'q <|user|>' },
      { role: 'assistant', content: 'a' },
      { role: 'user', content: 'r' },
    ] as const;
    const prompt = await prompts(model);
    const chat = prompt ? asked(model, await prompt(messages)) : undefined;
    const fill = model.prompt ? asked(model, model.prompt.tokens(passage, 200)) : undefined;
    switch (name) {
      case 'chatglm3':
        // Each text on its own, so that each gets SentencePiece's space.
        expect(chat).toBe('{[gMASK]}{sop}{<|user|>} \n q <|user|>{<|assistant|>} \n a{<|user|>} \n r{<|assistant|>}');
        expect(fill).toBe(`{[gMASK]}{sop}${passage.before}`);
        break;
      case 'codegeex2':
        expect(fill).toBe(`{[gMASK]}{sop} # language: Python\n${passage.before}`);
        break;
      case 'glm-4':
        expect(chat).toBe('{[gMASK]}{<sop>}{<|user|>}\nq <|user|>{<|assistant|>}\na{<|user|>}\nr{<|assistant|>}');
        expect(fill).toBe(`{[gMASK]}{<sop>}${passage.before}`);
        break;
      case 'chatglm-6b': {
        expect(chat).toBe(' [Round 0]\n问：q <|user|>\n答：a\n[Round 1]\n问：r\n答：{[gMASK]}{<sop>}');
        expect(asked(model, (await prompt?.([{ role: 'user', content: 'hi' }])) ?? [])).toBe(' hi{[gMASK]}{<sop>}');
        await engine.fill(passage, options);
        const { partA = [], partB = [] } = engine.trace() ?? {};
        const read = asked(
          model,
          partA.map(({ id }) => id),
        );
        expect(read).toBe(`${passage.before}{[MASK]}${passage.after}`);
        const mask = partA.findIndex(({ id }) => id === model.tokenizer.special.mask);
        expect(partB.slice(0, 2).map(({ position, blockPosition }) => [position, blockPosition])).toEqual([
          [mask, 1],
          [mask, 2],
        ]);
      }
    }
  });
});

describe('a tokenizer with tokens for code', () => {
  const names = ['<|code_prefix|>', '<|code_middle|>', '<|code_suffix|>', '<|user|>', '<|assistant|>'];
  const folderWith = async (added: readonly string[], more: object = {}) => {
    const folder = await randomCheckpoint(home, forms['glm-4']);
    const entries = added.map((content, index) => [900 + index, { content }]);
    writeFileSync(
      join(folder, 'tokenizer_config.json'),
      JSON.stringify({ added_tokens_decoder: Object.fromEntries(entries), ...more }),
    );
    return folder;
  };

  it('is asked as CodeGeeX4, with whole reference files and text cut to the budget', async () => {
    const model = await loadModel(await folderWith(names), { threads: 1 });
    const head = '###PATH:src/sum.py\n###LANGUAGE:python\n###MODE:BLOCK\n';
    const frame = (references: string, before: string, after: string) =>
      `{[gMASK]}{<sop>}{<|user|>}\n${references}${head}{<|code_suffix|>}${after}{<|code_prefix|>}${before}{<|code_middle|>}{<|assistant|>}\n`;
    const reference = '###REFERENCE:\n###PATH:src/other.py\nx = 1\n';
    expect(asked(model, model.prompt?.tokens(passage, 400) ?? [])).toBe(
      frame(reference, passage.before, passage.after),
    );
    const long = { ...passage, before: 'a = 1\n'.repeat(500), after: 'b = <|user|>\n'.repeat(500) };
    const tokens = model.prompt?.tokens(long, 200) ?? [];
    expect(tokens.length).toBeLessThanOrEqual(200);
    expect(tokens.length).toBeGreaterThan(150);
    expect(tokens.filter((id) => id === model.tokenizer.named.get('<|user|>'))).toHaveLength(1);
    model.runtime.dispose();
  });

  it('is asked as GLM-4.5 where the model thinks', async () => {
    const model = await loadModel(await folderWith([...names, '<think>', '</think>']), { threads: 1 });
    expect(asked(model, model.prompt?.tokens(passage, 400) ?? [])).toBe(
      `{[gMASK]}{<sop>}{<|code_prefix|>}${passage.before}{<|code_suffix|>}${passage.after}{<|code_middle|>}`,
    );
    model.runtime.dispose();
  });

  it('takes the template that the checkpoint ships, and lets no message write a control token', async () => {
    const template =
      '[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';
    const model = await loadModel(await folderWith(names, { chat_template: template }), { threads: 1 });
    const prompt = await prompts(model);
    const content = 'a <|user|> [gMASK] \ue000q0\ue001 \ue000qq';
    expect(asked(model, (await prompt?.([{ role: 'user', content }])) ?? [])).toBe(
      `{[gMASK]}{<sop>}{<|user|>}\n${content}{<|assistant|>}`,
    );
    model.runtime.dispose();
  });

  /** Whichever limit a machine comes to first. */
  const GROWS = /more than 96 MiB|call stack|longer than|Invalid (array|string) length/;

  /** The interpreter takes a call stack that ends inside its look-up of a name for a name that is not there. */
  const RECURSES = new RegExp(`${GROWS.source}|got UndefinedValue`);

  it.each([
    [
      'never ends',
      '{% set r = range %}{% for a in r(5000) %}{% for b in r(5000) %}{% for c in r(5000) %}{% for d in r(5000) %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}',
      { time: 3000 },
      /longer than 3 s/,
    ],
    [
      'calls itself without end',
      '{% macro f(x) %}{% for i in range(1000) %}{{ f(x) }}{% endfor %}{% endmacro %}{{ f(1) }}',
      {},
      RECURSES,
    ],
    [
      'doubles a list without end',
      '{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}',
      {},
      GROWS,
    ],
    [
      'doubles a text without end',
      '{% set n = namespace(x="abcdefgh") %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x | upper }}',
      {},
      GROWS,
    ],
    ['counts far at once', '{{ range(100000000) | length }}', {}, GROWS],
    ['is none', '{% for', {}, /failed/],
  ])('a template that %s costs the chat alone', { timeout: 120_000 }, async (_, source, limits, message) => {
    const modelFolder = await folderWith(names, { chat_template: source });
    const engine = await loadEngine({ modelFolder, threads: 1, template: { host: TEMPLATE_HOST, ...limits } });
    const ask = () =>
      engine.chat?.answer([{ role: 'user', content: 'a' }], {}, () => undefined, new AbortController().signal);
    await expect(ask()).rejects.toThrow(message);
    await expect(ask()).rejects.toThrow(/The chat template of .* failed/);
    expect((await engine.fill(passage, options)).tokens.length).toBeGreaterThan(0);
    await engine.dispose();
  });
});
