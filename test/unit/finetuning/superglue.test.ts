/** The eight tasks of SuperGLUE read from lines in their published formats, and filled into GLM's patterns. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Example } from '../../../engine/finetuning/example.ts';
import { fillPattern, parsePattern } from '../../../engine/finetuning/pattern.ts';
import type { SuperGlueTask } from '../../../engine/finetuning/superglue/reader.ts';
import { readSuperGlue, superGlue } from '../../../engine/finetuning/superglue/registry.ts';
import { toyTokenizer } from '../infill/toy.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-superglue-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const taskNamed = (name: string) => superGlue[name] as SuperGlueTask;
const fixture = (name: string) => join(import.meta.dirname, `../../fixtures/superglue/${name}.jsonl`);
const read = (name: string, training = false) => readSuperGlue(taskNamed(name), fixture(name), { training, seed: 1 });
const tokenizer = toyTokenizer();

/** The pattern as the model reads it, `_` for the blank, `|` before each answer it chooses from. */
function asked(name: string, example: Example, index = 0): string {
  const { task } = taskNamed(name);
  const { text, verbalizers } = task.patterns[index] as (typeof task.patterns)[number];
  const { tokens, blank = 0 } = fillPattern(tokenizer, parsePattern(text, name, 1), example.fields, 4000);
  const answers = example.candidates ?? task.labels.map((label) => verbalizers?.[label]);
  return `${tokenizer.decode(tokens.slice(1, blank))}_${tokenizer.decode(tokens.slice(blank, -1))}|${answers.join('|')}`;
}

describe('SuperGLUE', () => {
  it('has all eight tasks, whose patterns can be filled from their own examples', async () => {
    expect(Object.keys(superGlue)).toEqual(['boolq', 'cb', 'copa', 'multirc', 'record', 'rte', 'wic', 'wsc']);
    for (const name of Object.keys(superGlue)) {
      const { task } = taskNamed(name);
      for (const example of await read(name)) {
        for (const [index, { verbalizers }] of task.patterns.entries()) {
          expect(asked(name, example, index)).not.toContain('{');
          expect(Object.keys(verbalizers ?? {}).sort()).toEqual([...task.labels].sort());
        }
        const candidate = example.candidates?.[0] ?? '';
        const plain = parsePattern(task.plain, name, 0);
        expect(fillPattern(tokenizer, plain, { ...example.fields, candidate }, 4000).blank).toBeUndefined();
      }
    }
  });

  it.each([
    [
      'boolq',
      0,
      0,
      1,
      'The bridge -- Long Bridge. It has been open to trams and cars since 1931. Question: is the bridge open to cars? Answer:_.| No| Yes',
    ],
    [
      'boolq',
      1,
      5,
      0,
      'Based on the following passage  can trams use the tunnel?_. The tunnel is for pedestrians only.| false| true',
    ],
    ['rte', 0, 0, 1, '"Weapons were found in the harbour" ?_, "No weapons were found in the harbour yet."| Yes| No'],
    [
      'rte',
      1,
      4,
      0,
      'The "old" mill was sold to a baker in May. question: A baker bought the mill True or False? answer:_| true| false',
    ],
    ['cb', 2, 1, 2, 'the shop was closed?_, If the shop was closed, he went home.| Yes| No| Maybe'],
    [
      'cb',
      0,
      4,
      1,
      'A: I think it is late. B: I do not think that she minds. question: she minds true, false or neither? answer:_| true| false| neither',
    ],
    ['wic', 1, 0, 1, '"She sat on the bank." / "The bank was steep." Similar sense of "bank"?_.| No| Yes'],
    ['wic', 1, 2, 1, 'bank . Sense (1) (a) "She sat on the bank." (_) "The bank was steep."|2|b'],
    [
      'multirc',
      1,
      0,
      0,
      'Ann lent Ben a ladder. Ben gave it back on Monday. Question: Who had the ladder on Sunday? Is it Ann.?_.| No| Yes',
    ],
    ['multirc', 2, 3, 1, 'Ann lent Ben a ladder. Ben gave it back on Monday What was lent- [_]A ladder| False| True'],
    ['copa', 0, 0, 0, '"it broke" or "it was blue"? The cup fell off the table, so_.| it broke| it was blue'],
    [
      'copa',
      1,
      1,
      1,
      'the cat slept or the bulb burned out? The lamp went dark because_.| the cat slept| the bulb burned out',
    ],
    [
      'record',
      0,
      0,
      0,
      'Rome - Mayor Lucia Conti opened the market on Friday.\n- Conti cut the ribbon in Rome Traders thanked_ for the new stalls| Lucia Conti| Conti| Rome',
    ],
    [
      'wsc',
      0,
      0,
      1,
      "Mark told Pete many lies about himself, which Pete believed. *He* should have been more sceptical. The pronoun '*He*' refers to_.| Pete",
    ],
    [
      'wsc',
      1,
      2,
      0,
      "Jane gave Joan candy because *she* wasn't hungry. Question: In the passage above, what does the pronoun '*she*' refer to? Answer:_.| Joan",
    ],
    // The pronoun is part of a word.
    [
      'wsc',
      2,
      1,
      1,
      "Tom waved at the guard until *he* 'd seen him. In the previous sentence, the pronoun '*he*' refers to_.| the guard",
    ],
  ])('asks %s example %i by pattern %i', async (name, at, pattern, answer, text) => {
    const example = (await read(name))[at] as Example;
    expect(asked(name, example, pattern)).toBe(text);
    expect(example.answer).toBe(answer);
  });

  it('makes more of training files, as GLM does', async () => {
    expect((await read('copa', true)).map(({ id, answer }) => [id, answer])).toEqual([
      ['0', 0],
      ['0m', 1],
      ['1', 1],
      ['1m', 0],
    ]);
    const record = await read('record', true);
    expect(record.map(({ candidates }) => candidates)).toEqual([
      [' Lucia Conti', ' Rome'],
      [' Conti', ' Rome'],
    ]);
    expect((await read('record')).map(({ alsoRight }) => alsoRight)).toEqual([[1]]);
    expect((await read('wsc', true)).map(({ id }) => id)).toEqual(['0', '2']);
  });

  it('keeps the answers to one question together', async () => {
    expect((await read('multirc')).map(({ id, group }) => [id, group])).toEqual([
      ['7-12-40', '7-12'],
      ['7-12-41', '7-12'],
      ['7-13-42', '7-13'],
    ]);
  });

  it.each([
    [
      'rte',
      { premise: 'a', hypothesis: 'b', idx: 0 },
      'line 1: the field "label" is missing; it should be one of entailment, not_entailment',
    ],
    ['boolq', { passage: 'a', question: 3, idx: 0, label: true }, 'the field "question" is 3; it should be a text'],
    [
      'copa',
      { premise: 'a', choice1: 'b', choice2: 'c', question: 'why', idx: 0, label: 0 },
      'should be "cause" or "effect"',
    ],
    [
      'multirc',
      { idx: 0, passage: { text: 'a', questions: [{ question: 'b', idx: 0, answers: 1 }] } },
      '"questions" 1: the field "answers" is 1',
    ],
    [
      'record',
      { idx: 0, passage: { text: 'a', entities: [] }, qas: [{ query: 'b', idx: 0, answers: [] }] },
      '"@placeholder" once',
    ],
    [
      'wsc',
      {
        idx: 0,
        label: true,
        text: 'a b',
        target: { span1_text: 'a', span1_index: 0, span2_text: 'c', span2_index: 1 },
      },
      'word 1 of the text is "b", not the pronoun "c"',
    ],
  ])('says what is wrong with a line of %s', async (name, line, said) => {
    const file = join(folder, `${name}.jsonl`);
    writeFileSync(file, `${JSON.stringify(line)}\n`);
    await expect(readSuperGlue(taskNamed(name), file, { training: false, seed: 1 })).rejects.toThrow(said);
  });
});
