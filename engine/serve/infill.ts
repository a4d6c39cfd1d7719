/**
 * `POST /infill` as llama.cpp's server has it (tools/server/README.md): `input_prefix`, `input_suffix`, `input_extra`
 * with chunks of other files, and `prompt`, which is what was typed inside the blank. Its defaults are llama.cpp's too.
 */
import { randomInt } from 'node:crypto';
import type { Fill, Neighbour } from '../infill/fill.ts';
import { drawnTokens, type FillCall, LARGEST_SEED, MOST_TOKENS } from './endpoint.ts';
import { type Fields, flagField, kindOf, numberField, stopField, textField, wrongField } from './fields.ts';

export function infillCall(fields: Fields, model: string): FillCall {
  const predict = numberField(fields, 'n_predict', -1, { least: -1, most: MOST_TOKENS, whole: true });
  // llama.cpp's -1 asks for a random one.
  const seed = numberField(fields, 'seed', -1, { least: -1, most: LARGEST_SEED, whole: true });
  const summary = (fill: Fill) => ({
    stop: true,
    model,
    tokens_predicted: drawnTokens(fill).length,
    tokens_evaluated: fill.partA,
    stop_type: stopType(fill),
    timings: { prompt_n: fill.partA, prompt_ms: fill.timings.read, predicted_ms: fill.timings.extend },
  });
  // Clients ask for no token to have their chunks read ahead; here nothing read ahead would outlive the next request.
  const unpredicted = {
    index: 0,
    content: '',
    stop: true,
    model,
    tokens_predicted: 0,
    tokens_evaluated: 0,
    stop_type: 'limit',
  };
  return {
    ...(predict === 0 ? { ready: unpredicted } : {}),
    passage: {
      path: textField(fields, 'path', ''),
      languageId: '',
      before: textField(fields, 'input_prefix', ''),
      after: textField(fields, 'input_suffix', ''),
      forced: textField(fields, 'prompt', ''),
      neighbours: extraField(fields),
      kind: 'sentence',
    },
    options: {
      maxTokens: predict === -1 ? MOST_TOKENS : predict,
      temperature: numberField(fields, 'temperature', 0.8, { least: 0, most: 100 }),
      topP: numberField(fields, 'top_p', 0.95, { least: Number.MIN_VALUE, most: 1 }),
      seed: seed === -1 ? randomInt(LARGEST_SEED) : seed,
      stop: stopField(fields),
      singleLine: false,
      timeLimit: numberField(fields, 't_max_predict_ms', 0, { least: 0, most: Number.MAX_SAFE_INTEGER }),
    },
    stream: flagField(fields, 'stream'),
    whole: (fill) => ({ index: 0, content: fill.text, ...summary(fill) }),
    piece: (text) => (text === '' ? undefined : { index: 0, content: text, stop: false }),
    last: (text, fill) => [{ index: 0, content: text, ...summary(fill) }],
  };
}

function extraField(fields: Fields): Neighbour[] {
  const value = fields.input_extra ?? [];
  const chunks: unknown[] = Array.isArray(value) ? value : [undefined];
  const neighbours = chunks.map((chunk) => {
    const { filename = '', text } = (chunk ?? {}) as Fields;
    if (typeof text !== 'string' || typeof filename !== 'string') {
      throw wrongField(
        'input_extra',
        `"input_extra" must be a list of objects with "text" and, if known, "filename"; it is or holds ${kindOf(Array.isArray(value) ? chunk : value)} that is none.`,
      );
    }
    return { path: filename, text };
  });
  // Clients of llama.cpp put the most relevant chunk last and the oldest are dropped; the engine keeps the first.
  return neighbours.reverse();
}

function stopType({ finish }: Fill): 'eos' | 'word' | 'limit' {
  if (finish === 'eop' || finish === 'line') return 'eos';
  return finish === 'stop' ? 'word' : 'limit';
}
