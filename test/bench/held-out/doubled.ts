/**
 * `npm run bench -- doubled`: how often a completion repeats at its end what follows the cursor, before anything trims it: a
 * model that sees both sides should know where to stop.
 */
import { join } from 'node:path';
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { shareOf } from '../../../engine/evaluation/intervals.ts';
import { between, table } from '../../../engine/evaluation/markdown-table.ts';
import { type DrawnKind, drawnKinds, type Task } from '../../../engine/evaluation/task.ts';
import type { Fill } from '../../../engine/infill/fill.ts';
import { blankOpening } from '../../../language-server/completion/anchor.ts';
import { isDoubled } from './doubling.ts';
import { type Measured, OPTIONS, openMeasured, passageOf, tell } from './tasks.ts';

const USAGE = `Usage: npm run bench -- doubled [options]

Counts completions of held-out blanks that end with what stands after the cursor already, with all trimming off.`;

const CASES = 2000;
const SHOWN = 10;

interface Answer {
  task: Task;
  text: string;
  finish: Fill['finish'];
  doubled: boolean;
}

export async function benchDoubled(args: readonly string[], machine: string): Promise<void> {
  const measured = await openMeasured(USAGE, args, CASES);
  if (!measured) return;
  const { engine, docs, json, cases } = measured;
  try {
    const drawn = await measured.tasks(drawnKinds, Math.ceil(cases / drawnKinds.length));
    const ships: Answer[] = [];
    const alone: Answer[] = [];
    for (const [index, task] of drawn.entries()) {
      ships.push(await answerTo(measured, task, true));
      alone.push(await answerTo(measured, task, false));
      tell(index + 1, drawn.length);
    }
    const page = pageOf(`npm run bench -- doubled ${args.join(' ')}`.trimEnd(), machine, measured, ships, alone);
    process.stdout.write(page);
    if (docs !== undefined) await writeFileAtomically(join(docs, 'doubled-text.md'), page);
    if (json !== undefined) {
      const all = drawn.map(({ id, path, expected }, index) => {
        const said = (answer: Answer | undefined) => answer && { ...answer, task: undefined };
        return { id, path, expected, ships: said(ships[index]), alone: said(alone[index]) };
      });
      await writeFileAtomically(json, `${JSON.stringify({ machine, model: engine.name, cases: all }, null, 2)}\n`);
    }
  } finally {
    await engine.dispose();
  }
}

async function answerTo({ engine }: Measured, task: Task, documentCache: boolean): Promise<Answer> {
  const { before, after, expected } = task;
  const forced = blankOpening(before.slice(before.lastIndexOf('\n') + 1));
  const at = before.length - forced;
  const passage = passageOf(task, before.slice(0, at), before.slice(at), after);
  const { text, finish } = await engine.fill(passage, { ...OPTIONS, documentCache });
  return { task, text, finish, doubled: isDoubled(text, expected, after) };
}

function pageOf(
  command: string,
  machine: string,
  { engine }: Measured,
  ships: readonly Answer[],
  alone: readonly Answer[],
): string {
  const share = (answers: readonly Answer[]) =>
    between(shareOf(answers.filter(({ doubled }) => doubled).length, answers.length), (x) => (100 * x).toFixed(2));
  const row = (name: string, fits: (answer: Answer) => boolean) => {
    const [own, bare] = [ships.filter(fits), alone.filter(fits)];
    return [name, `${own.length}`, share(own), share(bare)];
  };
  const kinds = drawnKinds.map((kind: DrawnKind) => row(kind, ({ task }) => task.kind === kind));
  const examples = ships.filter(({ doubled }) => doubled).slice(0, SHOWN);
  return `${[
    '# Doubled text at the end of a completion',
    '',
    'A completion that says what stands after the cursor already leaves it there twice. The server trims such text; here all',
    'trimming is off and the model alone decides where to stop, in held-out documents of which a part was taken out. Counted',
    'are completions whose end agrees with what follows in more than the text that stood there does: three characters and',
    'more with a word in them, or brackets and quotes of which it closes more than was open. Greedy, at most 64 tokens, 800',
    'tokens of context, intervals of 95 % (Wilson).',
    '',
    'A span that says at its end what follows ends before that where the model holds this whole span for more probable, and',
    'where a limit cut it: then the model gave it no end, and all that it wrote stands on the page either way',
    '(`engine/infill/span-end.ts`). It was made with other cursors, `--seed 5 --cases 800`: as it ships 7 were doubled without it',
    'and 2 with it, by the model alone 11 and 5; two more completions were right, none was wrong that had been right. Of the 804',
    'blanks of `cloze eval --tasks 201 --seed 2` 203 are exact without it and with it. Of the cursors below 7 were doubled',
    'without it as it ships.',
    '',
    `\`${command}\`: ${engine.name} (${engine.device}), ${ships.length} cursors; ${machine}.`,
    '',
    ...table(
      [
        'what was taken out',
        'cursors',
        'doubled as it ships, with the document cache, %',
        'doubled by the model alone, %',
      ],
      [...kinds, row('all', () => true), row('all that the model ended itself', ({ finish }) => finish === 'eop')],
    ),
    '',
    ...(examples.length === 0
      ? []
      : [
          'Some of them: the end of the completion, and what follows.',
          '',
          ...table(['', 'completion', 'after it'], examples.map(exampleRow)),
          '',
        ]),
  ].join('\n')}`;
}

function exampleRow({ task, text }: Answer): string[] {
  const code = (part: string) => `\`${JSON.stringify(part).replaceAll('`', "'")}\``;
  return [task.id, code(text.slice(-40)), code(task.after.slice(0, 40))];
}
