/** What is asked of a predictor: one blank in a document, and the text that was there. */
import type { Neighbour } from '../infill/fill.ts';

/** The kinds that `drawTasks` draws; other sources of tasks may name their own. */
export const drawnKinds = ['rest of line', 'whole line', '2-8 lines', 'character span'] as const;

export type DrawnKind = (typeof drawnKinds)[number];

/** In which tasks are stratified: equally many of each. */
export const taskLanguages = ['typescript', 'javascript', 'python'] as const;

export type TaskLanguage = (typeof taskLanguages)[number];

export interface Task {
  /** Unique in its list and the same for the same seed, e.g. `whole line/python/12`. */
  id: string;
  kind: string;
  language: string;
  package: string;
  path: string;
  /** The document before the blank, after it, and what stood in it; together they are the document. */
  before: string;
  after: string;
  expected: string;
  neighbours: Neighbour[];
}
