/**
 * `npm run bench -- choices`: how often what stood in a blank is among the three candidates that a user who asks by hand gets:
 * a greedy one and the most probable others, beside a greedy one and two drawn by chance.
 */
import { join } from 'node:path';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { shareOf } from '../../../engine/evaluation/intervals.ts';
import { percent, table } from '../../../engine/evaluation/markdown-table.ts';
import { isExactMatch } from '../../../engine/evaluation/metrics.ts';
import type { DrawnKind, Task } from '../../../engine/evaluation/task.ts';
import type { Fill } from '../../../engine/infill/fill.ts';
import { type Measured, OPTIONS, openMeasured, passageOf, tell } from './tasks.ts';

const USAGE = `Usage: npm run bench -- choices [options]

Sets the most probable spans of held-out blanks against draws by chance: is what stood there among three?`;

const CASES = 300;
const CHOICES = 3;
const KINDS: readonly DrawnKind[] = ['rest of line', 'whole line', 'character span'];
const LINE = { ...OPTIONS, singleLine: true };
const CHANCE = { ...LINE, temperature: 0.8, topP: 0.95 };

interface Choice {
  texts: string[];
  /** Of writing; the passage was read before. */
  milliseconds: number;
}

interface Case {
  task: Task;
  likely: Choice;
  drawn: Choice;
}

export async function benchChoices(args: readonly string[], machine: string): Promise<void> {
  const measured = await openMeasured(USAGE, args, CASES);
  if (!measured) return;
  const { engine, docs, json } = measured;
  try {
    const tasks = await measured.tasks(KINDS, Math.ceil(measured.cases / KINDS.length));
    const cases: Case[] = [];
    for (const task of tasks) {
      cases.push(await caseOf(measured, task, cases.length % 2 === 0));
      tell(cases.length, tasks.length);
    }
    const page = pageOf(`npm run bench -- choices ${args.join(' ')}`.trimEnd(), machine, measured, cases);
    process.stdout.write(page);
    if (docs !== undefined) await writeFileAtomically(join(docs, 'candidates.md'), page);
    if (json !== undefined) {
      const all = cases.map(({ task: { id, path, expected }, ...choices }) => ({ id, path, expected, ...choices }));
      await writeFileAtomically(json, `${JSON.stringify({ machine, model: engine.name, cases: all }, null, 2)}\n`);
    }
  } finally {
    await engine.dispose();
  }
}

async function caseOf({ engine }: Measured, task: Task, likelyFirst: boolean): Promise<Case> {
  const passage = passageOf(task, task.before, '', task.after);
  const extended = (fills: readonly Fill[]): Choice => ({
    texts: [...new Set(fills.map(({ text }) => text))],
    milliseconds: fills.reduce((sum, { timings }) => sum + timings.extend, 0),
  });
  const likely = async () => {
    const fills = await engine.fillCandidates(passage, CHOICES, LINE);
    // Each has the time of all.
    return { ...extended(fills), milliseconds: fills[0]?.timings.extend as number };
  };
  const drawn = async () => {
    const greedy = await engine.fill(passage, LINE);
    return extended([
      greedy,
      await engine.fill(passage, { ...CHANCE, seed: 1 }),
      await engine.fill(passage, { ...CHANCE, seed: 2 }),
    ]);
  };
  // The first reads the passage; what is timed is the writing.
  await engine.fill(passage, { ...LINE, maxTokens: 1 });
  if (likelyFirst) return { task, likely: await likely(), drawn: await drawn() };
  const chance = await drawn();
  return { task, likely: await likely(), drawn: chance };
}

function pageOf(command: string, machine: string, { engine }: Measured, cases: readonly Case[]): string {
  const row = (name: string, kind: DrawnKind | undefined, way: 'likely' | 'drawn') => {
    const asked = cases.filter(({ task }) => kind === undefined || task.kind === kind);
    const right = (text: string | undefined, { expected }: Task) => text !== undefined && isExactMatch(text, expected);
    const first = asked.filter((each) => right(each[way].texts[0], each.task)).length;
    const any = asked.filter((each) => each[way].texts.some((text) => right(text, each.task))).length;
    const milliseconds = asked.reduce((sum, each) => sum + each[way].milliseconds, 0) / asked.length;
    return [
      kind ?? 'all',
      name,
      percent(shareOf(first, asked.length)),
      percent(shareOf(any, asked.length)),
      milliseconds.toFixed(0),
    ];
  };
  const rows = [...KINDS, undefined].flatMap((kind) => [
    row('greedy, and the most probable others', kind, 'likely'),
    row('greedy, and two by chance', kind, 'drawn'),
  ]);
  return `${[
    '# Candidates',
    '',
    'Who asks by hand gets up to three candidates: first the greedy completion, as it comes by itself while typing, then the',
    'most probable other whole spans that a beam search of three finds, with no norm for their length: the user picks one that',
    'is right or none. Here what stood in held-out blanks is looked for among them, and among the greedy completion with two',
    'drawn by chance (temperature 0.8, top-p 0.95). To the end of the line, 800 tokens of context, intervals of 95 %',
    '(Wilson).',
    '',
    `\`${command}\`: ${engine.name} (${engine.device}), ${cases.length} cases; ${machine}.`,
    '',
    ...table(['blank', 'candidates', 'the first is right, %', 'one is right, %', 'ms of writing, mean'], rows),
  ].join('\n')}\n`;
}
