import { describe, expect, it } from 'vitest';
import { createFairQueue, type FairQueue } from '../../../engine/serve/fair-queue.ts';

const never = new AbortController().signal;

/** Puts a task in whose end the test decides; `order` notes when it begins. */
function put(queue: FairQueue, client: string, name: string, order: string[], signal = never) {
  let end = () => {};
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = queue.run(
    client,
    () => {
      order.push(name);
      return held;
    },
    signal,
  );
  return { run, end };
}

/** A busy machine may take its time; it decides nothing. */
const PATIENT = { timeout: 4_000 };

describe('the queue', () => {
  it('gives each client a turn', async () => {
    const queue = createFairQueue({ slots: 1, places: 9, placesEach: 9 });
    const order: string[] = [];
    const tasks = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map((name) => put(queue, name[0] as string, name, order));
    for (const { run, end } of tasks) {
      end();
      void run;
    }
    await Promise.all(tasks.map(({ run }) => run));
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it('runs as many at once as it has slots', async () => {
    const queue = createFairQueue({ slots: 2, places: 9, placesEach: 9 });
    const order: string[] = [];
    const [one, two, three] = ['a', 'b', 'c'].map((name) => put(queue, name, name, order));
    await Promise.resolve();
    expect([order, queue.running, queue.waiting]).toEqual([['a', 'b'], 2, 1]);
    two?.end();
    await two?.run;
    await Promise.resolve();
    expect(order).toEqual(['a', 'b', 'c']);
    one?.end();
    three?.end();
    await queue.idle();
    expect(queue.running).toBe(0);
  });

  it('refuses beyond its places, in all and for each client', async () => {
    const queue = createFairQueue({ slots: 1, places: 3, placesEach: 2 });
    const order: string[] = [];
    const running = put(queue, 'a', 'a1', order);
    put(queue, 'a', 'a2', order);
    put(queue, 'a', 'a3', order);
    await expect(put(queue, 'a', 'a4', order).run).rejects.toMatchObject({ status: 429, retryAfter: 1 });
    put(queue, 'b', 'b1', order);
    await expect(put(queue, 'c', 'c1', order).run).rejects.toMatchObject({ status: 429 });
    running.end();
    await running.run;
    await expect.poll(() => order, PATIENT).toEqual(['a1', 'a2']);
  });

  it('lets go of who no longer waits, and goes on after a failure', async () => {
    const queue = createFairQueue({ slots: 1, places: 1, placesEach: 1 });
    const order: string[] = [];
    const running = queue.run('a', () => Promise.reject(new Error('broken')), never);
    const leaves = new AbortController();
    const left = put(queue, 'b', 'left', order, leaves.signal);
    leaves.abort(new Error('gone'));
    await expect(left.run).rejects.toThrow('gone');
    const next = put(queue, 'c', 'next', order);
    await expect(running).rejects.toThrow('broken');
    next.end();
    await next.run;
    expect(order).toEqual(['next']);
    await expect(put(queue, 'd', 'aborted', order, leaves.signal).run).rejects.toThrow('gone');
  });
});
