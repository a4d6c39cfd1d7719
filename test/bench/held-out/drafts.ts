/**
 * `npm run bench -- drafts`: whether tokens guessed from the passage pay: milliseconds of a token of held-out completions with
 * guesses and without, in turn.
 */
import { writeFileAtomically } from '../../../engine/checkpoint/atomic-write.ts';
import { drawnKinds } from '../../../engine/evaluation/task.ts';
import { OPTIONS, openMeasured, passageOf, tell } from './tasks.ts';

const USAGE = `Usage: npm run bench -- drafts [options]

Fills held-out blanks with and without guesses from the passage; the completions are the same.`;

const CASES = 200;

export async function benchDrafts(args: readonly string[], machine: string): Promise<void> {
  const measured = await openMeasured(USAGE, args, CASES);
  if (!measured) return;
  const { engine, cases, json } = measured;
  // Without guesses and with them.
  const milliseconds = [0, 0] as [number, number];
  let [tokens, different] = [0, 0];
  try {
    const drawn = await measured.tasks(drawnKinds, Math.ceil(cases / drawnKinds.length));
    for (const [index, task] of drawn.entries()) {
      const fill = (drafts: boolean) =>
        engine.fill(passageOf(task, task.before, '', task.after), { ...OPTIONS, drafts });
      // The first reads the passage; what is timed is the writing.
      const { text, tokens: written } = await fill(false);
      for (const way of index % 2 === 0 ? [0, 1] : [1, 0]) {
        const found = await fill(way === 1);
        milliseconds[way as 0 | 1] += found.timings.extend;
        if (found.text !== text) different++;
      }
      tokens += written.length;
      tell(index + 1, drawn.length);
    }
    const [without, guessed] = milliseconds.map((sum) => (sum / tokens).toFixed(3));
    process.stdout.write(
      `${machine}\n${engine.name} (${engine.device}), ${tokens} tokens, ${different} texts differ\n`,
    );
    process.stdout.write(`${without} ms a token without guesses, ${guessed} with them\n`);
    if (json !== undefined) await writeFileAtomically(json, `${JSON.stringify({ machine, tokens, milliseconds })}\n`);
  } finally {
    await engine.dispose();
  }
}
