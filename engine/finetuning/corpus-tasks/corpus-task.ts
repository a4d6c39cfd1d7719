/** A task made of source text: what it asks, and how an example is cut out of a document. */
import type { Random } from '../../objective/random.ts';
import type { Example, Task } from '../example.ts';

export interface SourceDocument {
  path: string;
  /** Family: typescript, javascript, python, other. */
  language: string;
  text: string;
}

export interface CorpusTask {
  task: Task;
  /** What a head reads beside the patterns, so that these tell no more than it knows; the task's plain text where left out. */
  headText?: readonly string[];
  /**
   * An example whose answer is `label` (where the task has labels), or undefined where the document or the place that was
   * tried has none.
   */
  draw(document: SourceDocument, label: number, random: Random): Omit<Example, 'id'> | undefined;
}

/** Whole lines from a random one on, as many as fit into `characters`; undefined where these are too few to tell from. */
export function drawLines(text: string, characters: number, random: Random): string | undefined {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const start = starts[random.below(starts.length)] as number;
  const piece = text.slice(start, start + characters);
  const whole = start + characters >= text.length ? piece : piece.slice(0, piece.lastIndexOf('\n') + 1);
  return whole.trim().length >= characters / 4 ? whole.trimEnd() : undefined;
}
