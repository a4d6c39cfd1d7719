/**
 * The JSONL log of a run: one line for each optimizer step, cut back to the checkpoint when the run is resumed. Steps that
 * a spike undid stay in it, so that a curve shows what happened.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import type { GradientNorms } from './gradient-norms.ts';

export interface LogEntry {
  step: number;
  tokens: number;
  /** Mean cross-entropy of the rows that count, nats. */
  loss: number;
  learningRate: number;
  gradientNorm: number;
  /** The same for the parts of the model; absent in logs of earlier versions. */
  gradientNorms?: GradientNorms;
  tokensPerSecond: number;
  /** Mean cross-entropy on held-out samples, where it was measured. */
  heldOut?: number;
  /** What the loss was multiplied by, in float16. */
  lossScale?: number;
  /** Set where a gradient overflowed in float16, so that the weights were left as they were; its norms are not known. */
  overflowed?: true;
  /** How often the run had gone back when it made this step; absent for never. */
  rewinds?: number;
  /** Set where the loss spiked: the weights of this step were thrown away for those of that step (spike.ts). */
  rewoundTo?: number;
}

export interface RunLog {
  /** Throws when the disk refuses, on a full disk for one; the entry is kept and written with the next one. */
  append(entry: LogEntry): void;
  close(): void;
}

/** Opens `path` for appending, without the lines from `firstStep` of the attempt after `rewinds` rewinds on. */
export async function openRunLog(path: string, firstStep: number, rewinds = 0): Promise<RunLog> {
  const kept = (await readLog(path)).filter(({ step, rewinds: own = 0, rewoundTo }) =>
    own === rewinds ? step < firstStep && rewoundTo === undefined : own < rewinds,
  );
  const text = kept.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  await writeFileAtomically(path, text);
  const file = openSync(path, 'r+');
  let end = Buffer.byteLength(text);
  let pending = '';
  const flush = () => {
    const bytes = Buffer.from(pending);
    // Always from `end` on: a line that a full disk cut short is written over by the next attempt.
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, end + at);
    end += bytes.length;
    pending = '';
  };
  return {
    append(entry) {
      pending += `${JSON.stringify(entry)}\n`;
      flush();
    },
    close() {
      try {
        flush();
      } catch {
        // The append before has said so already.
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Whole lines only: a line that a kill cut short is dropped. */
export async function readLog(path: string): Promise<LogEntry[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LogEntry);
}
