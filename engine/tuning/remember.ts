/** A project's memory with its gate: fitted on blanks in the project's own files, each hidden from itself, and in the guard's. */
import { fitGate } from '../evaluation/fit-gate.ts';
import { type VotedToken, votedTokens } from '../evaluation/follow-span.ts';
import type { Task } from '../evaluation/task.ts';
import type { Model } from '../infill/fill.ts';
import { buildMemory, type MemoryFile, type TunedMemory } from '../infill/project-memory.ts';

/** Tokens of a blank that are followed at most. */
const LONGEST_SPAN = 120;

export interface RememberParts {
  /** The model to begin with. */
  model: Model;
  /** What is remembered. */
  files: readonly MemoryFile[];
  /** Blanks in these files, and in text that has nothing to do with the project: there the gate learns to be silent. */
  tasks: readonly Task[];
  contextTokens: number;
  onTask?: () => void;
  signal?: AbortSignal;
}

export async function rememberProject(parts: RememberParts): Promise<TunedMemory> {
  const { model, files, tasks, contextTokens, onTask, signal } = parts;
  const memory = buildMemory(files);
  const asked = { ...model, memory: { ...memory, gate: [] } };
  const voted: VotedToken[] = [];
  for (const task of tasks) {
    onTask?.();
    const options = { contextTokens, longest: LONGEST_SPAN, ...(signal ? { signal } : {}) };
    const tokens = await votedTokens(asked, task, options);
    // Between tokens alike and blanks alike: a long span has many tokens, but a user sees whole spans.
    for (const token of tokens) voted.push({ ...token, weight: 1 / Math.sqrt(tokens.length) });
  }
  return { ...memory, gate: fitGate(voted) };
}
