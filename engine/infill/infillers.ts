/**
 * Fills for several callers at once. Each call has an infiller of its own while it runs; the last ones to rest keep their
 * blanks open, so that who asks again at the same place finds Part A read.
 */
import type { FillHooks } from './decode.ts';
import type { Fill, FillOptions, Model, Passage } from './fill.ts';
import { createInfiller, type Infiller } from './infill.ts';

export interface Infillers {
  /** As `Infiller.fill`, but calls need not wait for each other. */
  fill(passage: Passage, options: FillOptions, hooks?: FillHooks): Promise<Fill>;
  /** Frees the open blanks; calls must have ended. */
  dispose(): Promise<void>;
}

/** `kept`: infillers that keep their blanks, with the memory that those take, when nothing runs. */
export function createInfillers(model: Model, { kept = 2 } = {}): Infillers {
  /** The one that rested last comes last. */
  let resting: Infiller[] = [];

  function take(passage: Passage, options: FillOptions): Infiller {
    const found = resting.findLast((infiller) => infiller.isOpenFor(passage, options)) ?? createInfiller(model);
    resting = resting.filter((infiller) => infiller !== found);
    return found;
  }

  async function putBack(infiller: Infiller): Promise<void> {
    resting.push(infiller);
    if (resting.length > kept) await resting.shift()?.dispose();
  }

  return {
    async fill(passage, options, hooks) {
      const infiller = take(passage, options);
      try {
        return await infiller.fill(passage, options, hooks);
      } finally {
        await putBack(infiller);
      }
    },
    async dispose() {
      await Promise.all(resting.map((infiller) => infiller.dispose()));
      resting = [];
    },
  };
}
