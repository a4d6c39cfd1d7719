/** The suites of language modelling: windows, losses against the trainer's, last words, files, reports, refusals. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { evalCommand } from '../../../engine/cli/eval.ts';
import { textLosses, windowSizes } from '../../../engine/evaluation/language-modelling/bits-per-byte.ts';
import { answerLastWords, chosenWord } from '../../../engine/evaluation/language-modelling/last-word.ts';
import { textPrefix } from '../../../engine/evaluation/language-modelling/opening.ts';
import { languageMarkdown, lastWordReport, lossReport } from '../../../engine/evaluation/language-modelling/report.ts';
import {
  detokenized,
  drawLastWords,
  drawTexts,
  readLastWords,
  readPile,
  readWikitext,
  splitLastWord,
} from '../../../engine/evaluation/language-modelling/texts.ts';
import { windowsOf } from '../../../engine/evaluation/language-modelling/windows.ts';
import { suffixGeneration } from '../../../engine/objective/blank-infilling.ts';
import { openNativeRuntime } from '../../../engine/runtime/native.ts';
import { toBatch } from '../../../engine/training/batch.ts';
import { config, folderOf, tinyTrunk, tokenizer } from '../finetuning/tiny-trunk.ts';
import { recite } from '../infill/passages.ts';
import { documentsOf, sourceFile } from './documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-language-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (name: string, content: string) => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

describe('windows', () => {
  const sizes = { length: 10, step: 4 };
  const tokens = Array.from({ length: 24 }, (_, i) => i);

  it.each([false, true])('predict every token but the first once, one way: %s', (oneWay) => {
    for (const count of [2, 9, 10, 13, 14, 24]) {
      const scored = [...windowsOf(tokens.slice(0, count), sizes, oneWay)].flatMap(({ predicted, scored }) =>
        predicted.slice(predicted.length - scored),
      );
      expect(scored).toEqual(tokens.slice(1, count));
    }
    expect([...windowsOf([7], sizes, oneWay)]).toEqual([]);
  });

  it('show the first token alone, then as much as leaves the step', () => {
    const windows = [...windowsOf(tokens.slice(0, 13), sizes, false)];
    expect(windows.map(({ context }) => context)).toEqual([[0], [4, 5, 6, 7, 8]]);
    expect([...windowsOf(tokens.slice(0, 13), sizes, true)].map(({ context }) => context)).toEqual([[0], [4]]);
    // A context and what is predicted after it take the window's length, with the mask.
    for (const { context, predicted } of windows) expect(context.length + predicted.length + 1).toBeLessThanOrEqual(10);
  });

  it('are the paper’s, or scaled to the model', () => {
    expect(windowSizes(8192, 1024)).toEqual({ length: 2048, step: 1024 });
    expect(windowSizes(1024, 1024)).toEqual({ length: 1024, step: 512 });
    expect(windowSizes(512, 256)).toEqual({ length: 512, step: 64 });
  });
});

describe('losses of texts', () => {
  const text = 'red and blue make no green';

  it.each([false, true])('are those that training would have, one way: %s', async (oneWay) => {
    const runtime = openNativeRuntime(folderOf(), { level: '', threads: 1, precision: 'float32' });
    const model = { runtime: await runtime, tokenizer };
    const sizes = { length: 20, step: 6 };
    const texts = [{ group: 'g', path: 'a.ts', text }];
    const [loss] = await textLosses(model, texts, { sizes, oneWay });
    const prefix = textPrefix(model, 'a.ts');
    expect(prefix).toEqual([
      tokenizer.special.enc,
      tokenizer.special.path,
      ...tokenizer.encode('a.ts'),
      tokenizer.special.code,
    ]);
    const { trainer } = await tinyTrunk();
    const ids = { mask: tokenizer.special.documentMask, sop: tokenizer.special.sop, eop: tokenizer.special.eop };
    let expected = 0;
    const tokens = tokenizer.encode(text);
    for (const { context, predicted, scored } of windowsOf(tokens, { ...sizes, length: 20 - prefix.length }, oneWay)) {
      const own = [...prefix, ...context];
      const sample = suffixGeneration([...own, ...predicted], own.length, ids);
      sample.lossMask.fill(0, 0, sample.tokens.length - scored);
      expected += (await trainer.evaluate(toBatch([sample]))).sum;
    }
    expect(loss).toMatchObject({ group: 'g', bytes: text.length, tokens: tokens.length - 1 });
    expect(Math.abs((loss?.loss as number) / expected - 1)).toBeLessThan(1e-4);
    expect(config.maxLength).toBeGreaterThan(20);
    model.runtime.dispose();
  });

  it('of a causal model come after what its texts begin with, without a mask', async () => {
    const { special } = tokenizer;
    const prompt = { infills: false, tokens: () => [special.documentMask, special.sop] };
    const model = Object.assign(recite(''), { prompt });
    const options = { sizes: { length: 40, step: 20 }, oneWay: false };
    const [loss] = await textLosses(model, [{ group: 'g', path: 'a.ts', text: 'abcdef' }], options);
    expect(loss?.tokens).toBe(5);
    // The prefix and the first character are context; the last token is predicted and not fed.
    const fed = [special.documentMask, special.sop, ...tokenizer.encode('abcde')];
    expect(model.rows.map(({ token }) => token)).toEqual(fed);
    expect(model.rows.map(({ position }) => position)).toEqual(fed.map((_, i) => i));
  });

  it('say when a header leaves no room', async () => {
    const model = recite('x');
    const options = { sizes: { length: 12, step: 6 }, oneWay: false };
    await expect(textLosses(model, [{ group: 'g', path: 'a.ts', text }], options)).rejects.toThrow(
      'The header of a.ts',
    );
  });
});

describe('last words', () => {
  const task = { id: '1', group: 'g', path: 'a.txt', context: 'They met in the', word: 'garden' };

  it.each([1, 4])('are what the best of %i beams says first', async (beams) => {
    const model = recite(' garden. Then', { words: [' garden', ' gar', 'den'] });
    const [right] = await answerLastWords(model, [task], { beams, oneWay: false });
    expect(right).toEqual({ id: '1', group: 'g', word: 'garden', said: 'garden', isRight: true, isGreedy: true });
    const [wrong] = await answerLastWords(model, [{ ...task, word: 'house' }], { beams, oneWay: false });
    expect(wrong).toMatchObject({ said: 'garden', isRight: false, isGreedy: false });
    expect(model.open).toBe(0);
  });

  it('come after the whole context, or after the first token alone', async () => {
    const model = recite(' garden');
    await answerLastWords(model, [task], { beams: 1, oneWay: false });
    const { special } = tokenizer;
    const mask = model.rows.findIndex(({ token }) => token === special.documentMask);
    expect(model.rows[mask + 1]?.token).toBe(special.sop);
    await answerLastWords(model, [task], { beams: 1, oneWay: true });
    const first = model.rows.findIndex(({ token }) => token === special.documentMask);
    expect(first).toBe(mask - task.context.length + 1);
  });

  it('are followed by punctuation where a beam is', () => {
    expect(chosenWord(['gardens of', 'garden.', 'house'])).toBe('garden');
    expect(chosenWord(['gardens of', 'garden of'])).toBe('gardens');
    expect(chosenWord(['. The', 'house'])).toBe('house');
    expect(chosenWord(['...'])).toBe('');
  });
});

describe('texts', () => {
  it('are read in the benchmarks’ formats', async () => {
    const lines = [
      { text: 'Ann saw Ben .\nBen saw\tAnn ' },
      { inputs_pretokenized: 'a b ', targets_pretokenized: [' c'] },
    ];
    const lambada = fileOf('lambada.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
    expect((await readLastWords(lambada)).map(({ context, word }) => [context, word])).toEqual([
      ['Ann saw Ben .\nBen saw', 'Ann'],
      ['a b', 'c'],
    ]);
    const pile = fileOf(
      'pile.jsonl',
      '{"text":"x","meta":{"pile_set_name":"Github"}}\n{"text":""}\n{"text_pretokenized":"y","text":[1]}\n',
    );
    expect((await readPile(pile)).map(({ group, text }) => [group, text])).toEqual([
      ['Github', 'x'],
      ['all', 'y'],
    ]);
    const wiki = fileOf('wiki.test.tokens', " \n = Ann = \n \n Ann 's dog , aged 3 @.@ 5 , ran ( fast ) . \n");
    expect(await readWikitext(wiki)).toMatchObject([
      { text: "\n= Ann =\n\nAnn's dog, aged 3.5, ran (fast).\n", words: 19 },
    ]);
  });

  it('have WikiText’s marks undone', () => {
    expect(detokenized(' = = Life = = \n " a b " @-@ 1 @,@ 000 ; x : y ')).toBe(' == Life ==\n"a b"-1,000; x: y ');
  });

  it('are refused where they are not', async () => {
    await expect(readLastWords(fileOf('one.jsonl', '{"text":"alone"}'))).rejects.toThrow(
      'line 1: a passage of LAMBADA',
    );
    await expect(readPile(fileOf('no.jsonl', '{"text":1}'))).rejects.toThrow('"text" is no text');
    await expect(readWikitext(join(folder, 'absent'))).rejects.toThrow('cannot be read');
    expect(splitLastWord('word')).toBeUndefined();
  });

  it('are drawn from documents with a seed', () => {
    const documents = documentsOf(
      Array.from({ length: 6 }, (_, i) => ({
        text: sourceFile(i).repeat(8),
        language: i % 2 ? 'python' : 'typescript',
      })),
    );
    expect(drawTexts(documents, 3, 1)).toEqual(drawTexts(documents, 3, 1));
    expect(drawTexts(documents, 3, 2)).not.toEqual(drawTexts(documents, 3, 1));
    const words = drawLastWords(documents, 4, 1);
    expect(words).toHaveLength(4);
    for (const { context, word, path } of words) {
      expect(context).toContain(word);
      expect(documents.text(Number(path.split('-')[1]))).toContain(`${context} ${word}`);
    }
  });
});

describe('reports', () => {
  const subject = {
    command: 'cloze eval',
    suite: 'bpb',
    seed: 1,
    machine: 'm',
    protocol: ['p'],
    model: { name: 'toy', parameters: 1e6, sha256: '0'.repeat(64), metadata: {}, device: 'toy' },
  };
  const loss = { group: 'a', path: 'x', bytes: 10, tokens: 4, loss: 10 * Math.LN2 };

  it('have bits per byte, and perplexity where words are counted', () => {
    const { rows } = lossReport(subject, [loss, { ...loss, group: 'b', bytes: 30 }]);
    expect(rows.map(({ group, figures }) => [group, figures['bits per byte']?.value.toFixed(3)])).toEqual([
      ['a', '1.000'],
      ['b', '0.333'],
      ['everything', '0.500'],
    ]);
    const wiki = lossReport(subject, [{ ...loss, words: 5 }]);
    expect(wiki.rows[0]?.figures['perplexity per word']?.value).toBeCloseTo(4);
    expect(languageMarkdown(wiki)).toContain('| a | 1 | 1.000 (1.000 to 1.000) | 1.733');
  });

  it('have shares of last words', () => {
    const answer = { id: '1', group: 'a', word: 'w', said: 'w', isRight: true, isGreedy: false };
    const report = lastWordReport(subject, [answer, { ...answer, isRight: false }]);
    expect(report.rows[0]?.figures['last word right, %']?.value).toBe(0.5);
    expect(languageMarkdown(report)).toContain('50.0 (9.5 to 90.5)');
  });
});

describe('the command line', () => {
  it.each([
    [['--suite', 'wikitext'], '--suite needs --file'],
    [['--beams', '4'], '--limit, --unidirectional and --beams belong to --suite'],
    [['--suite', 'bpb', '--execution', 'none'], '--execution and --python belong to'],
    [
      ['--suite', 'nothing', '--file', 'x'],
      'There is no suite "nothing"; there are: humaneval-infilling, lambada, bpb, wikitext',
    ],
  ])('refuses %j', async (args, said) => {
    await expect(evalCommand(args)).rejects.toThrow(said);
  });
});
