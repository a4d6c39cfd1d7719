/** The JSONL log of a run: one line for each optimizer step, cut back to the checkpoint when the run is resumed. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';

export interface LogEntry {
  step: number;
  tokens: number;
  /** Mean cross-entropy of the rows that count, nats. */
  loss: number;
  learningRate: number;
  gradientNorm: number;
  tokensPerSecond: number;
  /** Mean cross-entropy on held-out samples, where it was measured. */
  heldOut?: number;
}

export interface RunLog {
  append(entry: LogEntry): void;
  close(): Promise<void>;
}

/** Opens `path` for appending, without the lines from `firstStep` on. */
export async function openRunLog(path: string, firstStep: number): Promise<RunLog> {
  const kept = (await readLog(path)).filter(({ step }) => step < firstStep);
  await writeFileAtomically(path, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const stream = createWriteStream(path, { flags: 'a' });
  return {
    append: (entry) => void stream.write(`${JSON.stringify(entry)}\n`),
    close: () => new Promise((resolve) => stream.end(resolve)),
  };
}

/** Whole lines only: a line that a kill cut short is dropped. */
export async function readLog(path: string): Promise<LogEntry[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LogEntry);
}
