/**
 * Memory that is in the machine when a step takes it. The host of a virtual machine may keep memory that is free, and bring
 * it back page by page when it is touched, at a tenth of the speed of a disk; the system of one without a host just has it.
 * So a process holds some between the steps, and gives it back right before each.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadAddon } from '../../../engine/native.ts';

export interface HeldMemory {
  take(): Promise<void>;
  give(): Promise<void>;
}

/** In GB: what reading a file through the system's cache takes. */
const HELD = 4;

/** `command`: arguments of a process that calls `holdMemory`. */
export function heldMemory(command: readonly string[]): HeldMemory {
  let holder: ChildProcess | undefined;
  return {
    async take() {
      if (holder) return;
      holder = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(holder.stdout as NodeJS.ReadableStream, 'data');
    },
    async give() {
      if (!holder) return;
      const gone = once(holder, 'exit');
      holder.stdin?.end();
      await gone;
      holder = undefined;
    },
  };
}

/** Says when it has it, and ends when nobody listens any more. */
export async function holdMemory(): Promise<void> {
  const held = Array.from({ length: HELD }, () =>
    loadAddon()
      .alignedBytes(2 ** 30)
      .fill(1),
  );
  process.stdout.write(`${held.length}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
}
