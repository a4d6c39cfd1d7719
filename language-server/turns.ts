/** One task at a time, in the order in which they come; and what is done when none has come for a while. */

export interface Turns {
  take<T>(task: () => Promise<T>): Promise<T>;
  /** Does the rest's task after this many milliseconds without any; 0 never. */
  restAfter(milliseconds: number): void;
}

/** `rest` takes its turn like any other, so that nothing else goes on meanwhile. */
export function createTurns(rest: () => Promise<void>): Turns {
  /** Settles when everything asked for so far is done; never rejects. */
  let queue: Promise<unknown> = Promise.resolve();
  let outstanding = 0;
  let after = 0;
  let timer: NodeJS.Timeout | undefined;

  function wait(): void {
    clearTimeout(timer);
    if (outstanding > 0 || after === 0) return;
    timer = setTimeout(() => void take(rest), after);
    // A server that has nothing else to wait for ends.
    timer.unref();
  }

  function take<T>(task: () => Promise<T>): Promise<T> {
    outstanding++;
    clearTimeout(timer);
    const turn = queue.then(task).finally(() => {
      outstanding--;
      wait();
    });
    queue = turn.catch(() => undefined);
    return turn;
  }

  return {
    take,
    restAfter(milliseconds) {
      after = milliseconds;
      wait();
    },
  };
}
