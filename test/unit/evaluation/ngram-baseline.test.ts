import { describe, expect, it } from 'vitest';
import type { TokenDocuments } from '../../../engine/evaluation/documents.ts';
import { type CountOptions, countTraining, ngramBaseline } from '../../../engine/evaluation/ngram/baseline.ts';
import type { Task } from '../../../engine/evaluation/task.ts';
import { loadTokenizer } from '../../../engine/tokenizer/load.ts';
import { corpusOf } from '../training/toy-corpus.ts';
import { taskOf } from './documents.ts';

const { tokenizer } = await loadTokenizer('engine/embedded-model/tokenizer.json');
const BOTH = 'training text and document';
const DOCUMENT = 'document alone';
const TRAINING = 'training text alone';

const USUAL = [
  'const total = items.length;\nreturn total;\n'.repeat(8),
  'for (const item of items) {\n  handle(item);\n}\n'.repeat(8),
];
const baselineOf = (training: TokenDocuments, options: CountOptions) =>
  ngramBaseline(countTraining(training, tokenizer, options), tokenizer);
const baseline = baselineOf(corpusOf(tokenizer, USUAL), { seed: 1 });
const fill = (rule: string, text: string, more: Partial<Task> = {}, from = baseline) =>
  from.rules.find(({ name }) => name === rule)?.predict(taskOf(text, more));

describe('the n-gram baseline', () => {
  it('goes on as the training text does, up to the end of the line', () => {
    expect(fill(TRAINING, 'const total = items<<.length;>>\n')).toBe('.length;');
    expect(fill(BOTH, 'const total = items<<.length;>>\n')).toBe('.length;');
    expect(fill(DOCUMENT, 'const total = items<<.length;>>\n')).not.toBe('.length;');
    expect(fill(TRAINING, 'for (const item of items) {\n  <<handle(item);>>\n}\n', { kind: 'whole line' })).toBe(
      'handle(item);',
    );
  });

  it('begins within a word', () => {
    for (const text of [
      'const total = it<<ems.length;>>',
      'const tot<<al = items.length;>>',
      'co<<nst total = items.length;>>',
    ])
      expect(fill(TRAINING, `\n${text}\n`)).toBe(/<<(.*)>>/.exec(text)?.[1]);
    expect(fill(TRAINING, '\nconst total =<< items.length;>>\n')).toBe(' items.length;');
    expect(fill(TRAINING, '\nconst total = <<items.length;>>\n')).toBe('items.length;');
  });

  it('listens to the document before the training text, on both sides of the blank and in its neighbours', () => {
    const repeated = 'const total = items.size();\n'.repeat(3);
    for (const rule of [BOTH, DOCUMENT]) {
      expect(fill(rule, `${repeated}const total = items<<.size();>>\n`)).toBe('.size();');
      expect(fill(rule, `\nconst total = items<<.size();>>\n${repeated}`)).toBe('.size();');
      const neighbours = [{ path: 'b.ts', text: repeated }];
      expect(fill(rule, 'const total = items<<.size();>>\n', { neighbours })).toBe('.size();');
    }
    expect(fill(TRAINING, `${repeated}const total = items<<.size();>>\n`)).toBe('.length;');
  });

  it('ends spans where the text after them is the most probable', () => {
    const kind = 'character span';
    expect(fill(TRAINING, '\nconst total = it<<ems.le>>ngth;\nreturn total;\n', { kind })).toBe('ems.le');
    expect(fill(TRAINING, '\nconst <<total = items>>.length;\nreturn total;\n', { kind })).toBe('total = items');
    const lines = 'one();\ntwo();\nthree();\nfour();\nfive();\n';
    expect(fill(DOCUMENT, `${lines}one();\n<<two();\nthree();\nfour();>>\nfive();\n`, { kind: '2-8 lines' })).toBe(
      'two();\nthree();\nfour();',
    );
  });

  it('counts documents drawn with the seed where there are too many', () => {
    const texts = Array.from({ length: 12 }, (_, i) => `value = ${String.fromCharCode(97 + i)};\n`.repeat(20));
    const corpus = corpusOf(tokenizer, texts);
    const said = (seed: number) => {
      const some = baselineOf(corpus, { seed, mostTokens: Math.ceil(corpus.tokens / 6) });
      return fill(TRAINING, '\nvalue =<< ?;>>\n', {}, some);
    };
    expect(said(1)).toBe(said(1));
    expect(new Set(Array.from({ length: 8 }, (_, seed) => said(seed))).size).toBeGreaterThan(1);
  });

  it('says nothing where it has seen nothing', () => {
    const nothing = baselineOf(corpusOf(tokenizer, []), { seed: 1 });
    expect(fill(TRAINING, '<<x>>', {}, nothing)).toBe('');
  });
});
