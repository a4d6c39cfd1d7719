/**
 * `npm run bench -- forced`: what the anchored blank costs in quality. A part of a line is typed: once it is the forced start
 * of a blank that opened before it, as while typing; once it is read in both directions with the rest of the text, and the
 * blank opens at the cursor. Greedy, to the end of the line.
 */
import { join } from 'node:path';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { shareOf } from '../../../engine/evaluation/intervals.ts';
import { percent, table } from '../../../engine/evaluation/markdown-table.ts';
import type { Task } from '../../../engine/evaluation/task.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { blankOpening } from '../../../language-server/completion/anchor.ts';
import { type Measured, OPTIONS, openMeasured, passageOf, tell } from './tasks.ts';

const USAGE = `Usage: npm run bench -- forced [options]

Sets the text that is forced into an open blank against the same text read again, on held-out lines that are half typed.`;

const CASES = 500;
/** Not every line has something to type before its blank. */
const SPARE = 1.6;

interface Case {
  task: Task;
  /** What was typed since the blank opened, and what the line holds before the cursor's own blank. */
  typed: string;
}

interface Answers {
  forced: string;
  again: string;
}

interface Compared {
  same: number;
  forcedRight: number;
  againRight: number;
}

export async function benchForced(args: readonly string[], machine: string): Promise<void> {
  const measured = await openMeasured(USAGE, args, CASES);
  if (!measured) return;
  const { engine, docs, json } = measured;
  try {
    const cases = await drawCases(measured);
    const ships: Answers[] = [];
    const alone: Answers[] = [];
    for (const [index, each] of cases.entries()) {
      ships.push(await answersTo(measured, each, true));
      alone.push(await answersTo(measured, each, false));
      tell(index + 1, cases.length);
    }
    const page = pageOf(
      `npm run bench -- forced ${args.join(' ')}`.trimEnd(),
      machine,
      measured,
      [
        ['as it ships, with the document cache', compare(cases, ships), cases.length],
        ['the model alone', compare(cases, alone), cases.length],
      ],
      differencesOf(cases, ships),
    );
    process.stdout.write(page);
    if (docs !== undefined) await writeFileAtomically(join(docs, 'forced-continuation.md'), page);
    if (json !== undefined) {
      const all = cases.map(({ task: { id, path, expected }, typed }, index) => {
        return { id, path, typed, expected, ships: ships[index], alone: alone[index] };
      });
      await writeFileAtomically(json, `${JSON.stringify({ machine, model: engine.name, cases: all }, null, 2)}\n`);
    }
  } finally {
    await engine.dispose();
  }
}

/** The blank opened somewhere in the line before the cursor, at a place where one would open. */
async function drawCases({ tasks, cases }: Measured): Promise<Case[]> {
  const random = createRandom(6);
  const drawn = await tasks(['rest of line'], Math.ceil(cases * SPARE));
  return drawn
    .flatMap((task): Case[] => {
      const left = task.before.slice(task.before.lastIndexOf('\n') + 1);
      const indentation = left.length - left.trimStart().length;
      const here = left.length - blankOpening(left);
      // Before what the cursor's own blank would begin with: else both would be the same blank.
      if (here <= indentation) return [];
      const at = indentation + random.below(here - indentation);
      const opened = at - blankOpening(left.slice(0, at));
      return [{ task, typed: left.slice(Math.max(indentation, opened)) }];
    })
    .slice(0, cases);
}

async function answersTo({ engine }: Measured, { task, typed }: Case, documentCache: boolean): Promise<Answers> {
  const { before, after } = task;
  const left = before.slice(before.lastIndexOf('\n') + 1);
  const fill = async (forced: string): Promise<string> => {
    const passage = passageOf(task, before.slice(0, before.length - forced.length), forced, after);
    return (await engine.fill(passage, { ...OPTIONS, singleLine: true, documentCache })).text;
  };
  return { forced: await fill(typed), again: await fill(left.slice(left.length - blankOpening(left))) };
}

function compare(cases: readonly Case[], answers: readonly Answers[]): Compared {
  const right = (text: string | undefined, index: number) => text?.trimEnd() === cases[index]?.task.expected.trimEnd();
  return {
    same: answers.filter(({ forced, again }) => forced === again).length,
    forcedRight: answers.filter(({ forced }, index) => right(forced, index)).length,
    againRight: answers.filter(({ again }, index) => right(again, index)).length,
  };
}

/** Of the completions that differ: how, and which is right. */
function differencesOf(cases: readonly Pick<Case, 'task'>[], answers: readonly Answers[]): string[] {
  const right = (text: string, { task }: Pick<Case, 'task'>) => text.trimEnd() === task.expected.trimEnd();
  const [ends, later, first] = [
    { how: 'one goes on where the other ends', cases: 0, forced: 0, again: 0 },
    { how: 'the same first word or sign, then another', cases: 0, forced: 0, again: 0 },
    { how: 'another from the first on', cases: 0, forced: 0, again: 0 },
  ];
  for (const [index, { forced, again }] of answers.entries()) {
    if (forced === again) continue;
    const begins = forced.startsWith(again) || again.startsWith(forced);
    const kind = begins && forced !== '' && again !== '' ? ends : wordOf(forced) === wordOf(again) ? later : first;
    const each = cases[index] as Pick<Case, 'task'>;
    kind.cases++;
    if (right(forced, each)) kind.forced++;
    if (right(again, each)) kind.again++;
  }
  return table(
    ['how the two differ', 'cases', 'forced is right', 'read again is right'],
    [ends, later, first].map((kind) => [kind.how, `${kind.cases}`, `${kind.forced}`, `${kind.again}`]),
  );
}

function wordOf(text: string): string {
  return /^\s*(?:[\p{L}\p{N}_$]+|\S|$)/u.exec(text)?.[0] ?? '';
}

function pageOf(
  command: string,
  machine: string,
  { engine }: Measured,
  rows: readonly (readonly [name: string, compared: Compared, cases: number])[],
  differences: readonly string[],
): string {
  return `${[
    '# Forced continuation',
    '',
    'A GLM reads the text around a blank in both directions, so typing would void the reading at every key. The blank is',
    'anchored instead: it stays where it opened, and what is typed becomes the forced start of its span. Here a part of a',
    'held-out line is typed, and the rest of the line is filled twice: with the typed part forced, and with the typed part read',
    'again as text and the blank opened at the cursor. Greedy, 800 tokens of context, intervals of 95 % (Wilson).',
    '',
    `\`${command}\`: ${engine.name} (${engine.device}), ${rows[0]?.[2]} cases; ${machine}.`,
    '',
    ...table(
      ['', 'same completion, %', 'forced: exact, %', 'read again: exact, %'],
      rows.map(([name, { same, forcedRight, againRight }, cases]) => [
        name,
        percent(shareOf(same, cases)),
        percent(shareOf(forcedRight, cases)),
        percent(shareOf(againRight, cases)),
      ]),
    ),
    '',
    'Those that differ as it ships:',
    '',
    ...differences,
    '',
    'The two are answers to different questions: in a forced span the model reads what was typed one way only, and what stands',
    'in Part A was read without it. Both are cut into tokens as in training (the typed text from the start of its span on, its last',
    'token matched in bytes), and neither is right more often.',
  ].join('\n')}\n`;
}
