/** What the runtime and its worker thread say to each other. */
import type { GlmConfig } from '../../model/config.ts';
import type { GraphForm } from '../../onnx/glm-graph.ts';
import type { TokenRows } from '../runtime.ts';
import type { Provider } from './providers.ts';

/** Given to the worker when it starts. */
export interface Hosted {
  graph: string;
  config: GlmConfig;
  form: GraphForm;
  provider: Provider;
  threads: number;
}

/** New tokens of one session, after `held` in its cache; the first `sep` of all of them see each other. */
export interface StepPart {
  session: number;
  /** Places of the session's cache, which is made at its first step. */
  capacity: number;
  rows: TokenRows;
  held: number;
  sep: number;
  /** Rows of this step whose logits are wanted. */
  logitRows: Int32Array;
}

/** Several sessions at a time, each at most once; those that are forks of one another share a run of the graph. */
export interface StepRequest {
  kind: 'step';
  parts: readonly StepPart[];
}

export type Request =
  | StepRequest
  | { kind: 'fork'; session: number; copy: number }
  | { kind: 'close'; session: number }
  | { kind: 'unload' };

export type Reply =
  | { kind: 'ready' }
  | { kind: 'done'; logits?: Float32Array }
  /** `fatal`: the worker cannot go on. */
  | { kind: 'failed'; message: string; fatal: boolean };
