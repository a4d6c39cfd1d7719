/**
 * A benchmark that others have published: a reader of its files, and for suites whose spans are judged by running them
 * the program to run. A new suite is one file with a `Suite` and a line in `registry.ts`.
 */
import type { Task } from '../task.ts';

/** One line of a suite's file, parsed. */
export interface SuiteRecord {
  line: number;
  value: Readonly<Record<string, unknown>>;
}

export interface SuiteTask extends Task {
  /** The whole Python program that ends without an error when `span` is right; undefined when only text is compared. */
  program?(span: string): string;
}

export interface Suite {
  name: string;
  /** Sentences for the report: where it is from, what is asked, how it is judged. */
  protocol: readonly string[];
  /** Throws an error with `file`, line and field of the first record that is not of the suite's format. */
  tasks(records: readonly SuiteRecord[], file: string): SuiteTask[];
}
