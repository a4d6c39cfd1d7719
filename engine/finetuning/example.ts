/** What is asked, in words: examples of a task, whatever file or corpus they come from. */

export interface Example {
  /** Unlike that of any other example of its set. */
  id: string;
  /** Texts by the names that patterns have for them. */
  fields: Readonly<Record<string, string>>;
  /** Texts to choose from; absent where the task's labels are the choice. */
  candidates?: readonly string[];
  /** Index of the right label or candidate. */
  answer: number;
  /** More right candidates (ReCoRD), as indices. */
  alsoRight?: readonly number[];
  /** Examples that belong together: the answers to one question (MultiRC). */
  group?: string;
}

/** A finished set of tasks' figures beside accuracy, as the task's authors measure it. */
export type Metric = 'accuracy' | 'macro-f1' | 'answer-f1' | 'question-exact' | 'text-exact' | 'text-f1';

export interface Task {
  name: string;
  /** Empty where each example brings its own candidates. */
  labels: readonly string[];
  /** The first one decides which weights are kept. */
  metrics: readonly Metric[];
  patterns: readonly PatternVerbalizer[];
  /** What a classification head reads, as a pattern without a blank; with `{candidate}` where candidates are given. */
  plain: readonly string[];
}

export interface PatternVerbalizer {
  /** One or two texts with `{field}`, `{field~}` and one `{mask}` between them (pattern.ts). */
  text: readonly string[];
  /** Text of each label; absent where each example brings its own candidates. */
  verbalizers?: Readonly<Record<string, string>>;
  /**
   * The question turned round (a noisy channel, arXiv 2108.04106): this field is what fills the blank, cut to the room
   * there is. `{label}` in `text` becomes the label's verbalizer, which may have fields of its own, and a label's score is
   * the log-probability of the field after its text.
   */
  written?: string;
  /** `token` is `[MASK]`, as GLM 2021 has it; `sentence` and `document` are `[sMASK]` and `[gMASK]`. */
  mask?: 'token' | 'sentence' | 'document';
  /** Scores of candidates are divided by (tokens, end included) to this power. Default 0. */
  lengthPenalty?: number;
}
