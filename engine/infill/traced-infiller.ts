/** Fills blanks and can tell what was computed for the last of them. A trace is built only when somebody asks for it. */
import type { BlanksFill, BlanksPassage } from './blanks.ts';
import type { Fill, FillOptions, Model } from './fill.ts';
import { fillBlanks } from './fill-blanks.ts';
import { createInfiller, type Infiller } from './infill.ts';
import { recordSessions } from './recorder.ts';
import { type FillTrace, type TraceParts, traceOf } from './trace.ts';

export interface TracedInfiller extends Infiller {
  /** Fills several blanks of one text; see `fillBlanks`. */
  fillBlanks(passage: BlanksPassage, options: FillOptions, signal?: AbortSignal): Promise<BlanksFill>;
  /** The last fill that was completed; undefined before the first. */
  trace(): FillTrace | undefined;
}

/** `name` is the model's, for the trace. */
export function createTracedInfiller(model: Model, name: string, options?: { typing?: number }): TracedInfiller {
  const recorder = recordSessions(model.runtime);
  const recorded = { ...model, runtime: recorder.runtime };
  const infiller = createInfiller(recorded, options);
  let last: TraceParts | undefined;

  async function remember<R extends Pick<Fill, 'timings' | 'device'>>(
    { rivals = 0, aside = false }: FillOptions,
    fill: () => Promise<R>,
    spansOf: (fill: R) => TraceParts['spans'],
  ): Promise<R> {
    // One more than the rivals: the token itself is usually among the most probable.
    const turn = recorder.begin(rivals > 0 ? rivals + 1 : 0);
    const done = await fill();
    if (aside) return done;
    const record = recorder.latest();
    const { timings, device } = done;
    const { tokenizer } = model;
    const causal = model.prompt !== undefined;
    last = record && { model: name, tokenizer, causal, record, turn, spans: spansOf(done), timings, device, rivals };
    return done;
  }

  return {
    fill: (passage, asked, hooks) =>
      remember(
        asked,
        () => infiller.fill(passage, asked, hooks),
        (fill) => [fill],
      ),
    async fillCandidates(passage, count, asked, hooks) {
      const fill = async () => {
        const fills = await infiller.fillCandidates(passage, count, asked, hooks);
        return { ...(fills[0] as Fill), fills };
      };
      const { fills } = await remember(asked, fill, (shown) => [shown]);
      return fills;
    },
    fillBlanks: (passage, asked, signal) =>
      remember(
        asked,
        () => fillBlanks(recorded, passage, asked, signal),
        ({ blanks, order }) => {
          const spans = order.map((index) => blanks[index] as BlanksFill['blanks'][number]);
          // A causal model fills each blank in a session of its own: the trace is that of the last.
          return model.prompt ? spans.slice(-1) : spans;
        },
      ),
    isOpenFor: infiller.isOpenFor,
    trace: () => last && traceOf(last),
    async dispose() {
      last = undefined;
      await infiller.dispose();
    },
  };
}
