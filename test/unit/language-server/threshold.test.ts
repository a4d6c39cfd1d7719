import { expect, it } from 'vitest';
import { InlineCompletionTriggerKind } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Fill, FilledToken, FillOptions } from '../../../engine/infill/fill.ts';
import { createPipeline } from '../../../language-server/completion/pipeline.ts';
import { defaultSettings } from '../../../language-server/settings.ts';

const uri = 'file:///a.ts';
const document = TextDocument.create(uri, 'typescript', 1, 'let a = \n');
const { Automatic, Invoked } = InlineCompletionTriggerKind;

/** A model that says these tokens, each with its probability, and then ends. */
function completer(threshold: number, ...said: [text: string, probability: number][]) {
  let end = 0;
  const tokens = said.map(([text, probability], id): FilledToken => {
    end += text.length;
    return { id, text, logProbability: Math.log(probability), forced: false, end };
  });
  const figures = { timings: { tokenize: 0, read: 0, extend: 0, total: 0 }, partA: 0, partB: 0, device: '' };
  const text = said.map(([piece]) => piece).join('');
  const fill: Fill = { text, tokens, finish: 'eop', confidence: 1, ...figures };
  const asked: FillOptions[] = [];
  const pipeline = createPipeline({
    documents: { get: () => document, all: () => [document] },
    host: {
      async fill(_, options) {
        asked.push(options);
        return { fill, others: [], waiting: 0 };
      },
    },
    settings: () => ({ ...defaultSettings, completion: { ...defaultSettings.completion, threshold } }),
    pathOf: () => 'a.ts',
    quiet: { reason: () => undefined },
    log: { level: 'off', error() {}, info() {}, debug() {} },
  });
  const complete = async (triggerKind: InlineCompletionTriggerKind) => {
    const params = { textDocument: { uri }, position: { line: 0, character: 8 }, context: { triggerKind } };
    const items = await pipeline.complete(params, new AbortController().signal);
    return items.map(({ insertText }) => insertText);
  };
  return { complete, asked };
}

it('shows a suggestion as far as the model is sure, and lets it stop there', async () => {
  const { complete, asked } = completer(0.5, ['foo', 0.9], ['(', 0.9], ['bar', 0.5]);
  expect(await complete(Automatic)).toEqual(['foo(']);
  expect(asked.map(({ least }) => least)).toEqual([0.5]);
});

it('shows nothing where the model is unsure from the start, but all of it to those who ask', async () => {
  const { complete, asked } = completer(0.5, ['foo', 0.4], ['(bar)', 0.9]);
  expect(await complete(Automatic)).toEqual([]);
  expect(await complete(Invoked)).toEqual(['foo(bar)']);
  expect(asked.map(({ least = 0 }) => least)).toEqual([0.5, 0]);
});

it('shows everything at 0', async () => {
  const { complete } = completer(0, ['foo', 0.001]);
  expect(await complete(Automatic)).toEqual(['foo']);
});

it('shows no single letter that a key would have to take, unless it is asked for', async () => {
  const { complete } = completer(0.5, ['\n', 0.9], [')', 0.9]);
  expect(await complete(Automatic)).toEqual(['\n)']);
  const letter = completer(0.5, [';', 0.9]);
  expect(await letter.complete(Automatic)).toEqual([]);
  expect(await letter.complete(Automatic)).toEqual([]);
  expect(await letter.complete(Invoked)).toEqual([';']);
});
