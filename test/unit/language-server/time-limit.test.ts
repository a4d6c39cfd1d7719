/** A suggestion for which there was too little time is shown as far as it is whole, and asked for again. */
import { expect, it } from 'vitest';
import { InlineCompletionTriggerKind } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Fill, FinishReason } from '../../../engine/infill/fill.ts';
import { createPipeline } from '../../../language-server/completion/pipeline.ts';
import { defaultSettings } from '../../../language-server/settings.ts';

const uri = 'file:///a.ts';
const document = TextDocument.create(uri, 'typescript', 1, 'let a = \n');

/** A model that says these one after another, a call each. */
function completer(...answers: [text: string, finish: FinishReason][]) {
  const figures = { timings: { tokenize: 0, read: 0, extend: 0, total: 0 }, partA: 0, partB: 0, device: '' };
  let calls = 0;
  const pipeline = createPipeline({
    documents: { get: () => document, all: () => [document] },
    host: {
      async fill() {
        const [text, finish] = answers[calls++] as [string, FinishReason];
        const fill: Fill = { text, tokens: [], finish, confidence: 1, ...figures };
        return { fill, others: [], waiting: 0 };
      },
    },
    settings: () => defaultSettings,
    pathOf: () => 'a.ts',
    quiet: { reason: () => undefined },
    log: { level: 'off', error() {}, info() {}, debug() {} },
  });
  return {
    pipeline,
    calls: () => calls,
    async complete() {
      const context = { triggerKind: InlineCompletionTriggerKind.Automatic };
      const params = { textDocument: { uri }, position: { line: 0, character: 8 }, context };
      const items = await pipeline.complete(params, new AbortController().signal);
      return items.map(({ insertText }) => insertText);
    },
  };
}

it('is not remembered as if it were the whole', async () => {
  const { complete, calls } = completer(['sum(first, sec', 'time'], ['sum(first, second);', 'eop']);
  expect(await complete()).toEqual(['sum(first,']);
  expect(await complete()).toEqual(['sum(first, second);']);
  expect(await complete()).toEqual(['sum(first, second);']);
  expect(calls()).toBe(2);
});

it('says that the time was over where no word was whole', async () => {
  const { complete, pipeline, calls } = completer(['su', 'time'], ['', 'time'], ['sum', 'eop']);
  for (const shown of [[], [], ['sum']]) expect(await complete()).toEqual(shown);
  expect(pipeline.requests().map(({ decided }) => decided)).toEqual(['shown', 'late', 'late']);
  expect(calls()).toBe(3);
});
