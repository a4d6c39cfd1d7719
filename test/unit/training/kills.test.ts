/**
 * A run that is killed with no warning, again and again, at any instant: nothing is half written, no step beyond the last
 * checkpoint is lost, and the end is that of the run that nobody touched. `CLOZE_KILLS=20` kills more often.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { openSafetensors } from '../../../engine/checkpoint/safetensors.ts';
import { tensorShapes } from '../../../engine/model/config.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { type LogEntry, readLog } from '../../../engine/training/run-log.ts';
import { positionAt, savedPosition, savedSteps } from '../../../engine/training/training-state.ts';
import { bundleProgram } from '../bundle-program.ts';
import { JUMPY_RECIPE } from './toy-run.ts';

const KILLS = Number(process.env.CLOZE_KILLS ?? 3);
/** Milliseconds after a step's end within which the next step, its log line and its checkpoint happen. */
const INSTANTS = 40;

const home = mkdtempSync(join(tmpdir(), 'cloze-kills-'));
afterAll(() => rmSync(home, { recursive: true }));

/** Starts the run and kills it some milliseconds after it has made so many steps; tells where it began and whether it ended. */
function runUntilKilled(program: string, run: string, steps: number, delay: number) {
  return new Promise<{ begun: number; ended: boolean }>((resolve, reject) => {
    const child = spawn(process.execPath, [program, run], { stdio: ['ignore', 'pipe', 'inherit'] });
    let [begun, made, ended] = [-1, 0, false];
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [what, step] = line.split(' ');
      if (what === 'at') begun = Number(step);
      if (what === 'ended') ended = true;
      if (what === 'made' && ++made === steps) setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) reject(new Error(`The run ended with ${code ?? signal}.`));
      else resolve({ begun, ended });
    });
  });
}

const figures = (entries: LogEntry[]) => entries.map(({ tokensPerSecond, ...entry }) => entry);
const logOf = async (run: string) => figures(await readLog(join(run, 'log.jsonl')));

async function checkCheckpoints(run: string): Promise<void> {
  for (const step of await savedSteps(run)) {
    expect((await positionAt(run, step)).step).toBe(step);
    for (const vector of ['parameter', 'moment1', 'moment2']) {
      const file = await openSafetensors(join(run, 'checkpoints', `step-${step}`, `${vector}.safetensors`));
      for (const { name } of tensorShapes(JUMPY_RECIPE.config)) await file.read(name);
      await file.close();
    }
  }
}

it(`survives ${KILLS} kills`, { timeout: 120_000 + KILLS * 60_000 }, async () => {
  const program = await bundleProgram(home, 'training/killed-run');
  const [whole, killed] = [join(home, 'whole'), join(home, 'killed')];
  for (const run of [whole, killed]) mkdirSync(run);
  expect(await runUntilKilled(program, whole, Number.POSITIVE_INFINITY, 0)).toEqual({ begun: 0, ended: true });

  const random = createRandom(KILLS);
  let expected = 0;
  let kills = 0;
  for (; kills < KILLS; kills++) {
    const { begun, ended } = await runUntilKilled(program, killed, 1 + random.below(3), random.below(INSTANTS));
    expect(begun).toBe(expected);
    await checkCheckpoints(killed);
    expected = (await savedPosition(killed))?.step ?? 0;
    // The line of a step is written before its checkpoint: at most the one under way is lost.
    const line = (await logOf(killed)).at(-1);
    if (line && line.rewoundTo === undefined) expect(line.step - expected).toBeLessThanOrEqual(0);
    if (ended) break;
  }
  expect(kills).toBe(KILLS);
  const last = await runUntilKilled(program, killed, Number.POSITIVE_INFINITY, 0);
  expect(last).toEqual({ begun: expected, ended: true });
  expect(await logOf(killed)).toEqual(await logOf(whole));
  const modelOf = (run: string) => readFile(join(run, 'model/model.safetensors'));
  expect((await modelOf(killed)).equals(await modelOf(whole))).toBe(true);
  expect(readdirSync(join(killed, 'checkpoints')).filter((name) => !name.startsWith('step-'))).toEqual([]);
});
