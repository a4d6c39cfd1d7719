/**
 * XLNet's permutation language modelling (Yang et al. 2019). The rows stand in the order of the factorisation and keep
 * their positions, so that causal visibility over rows is the permuted one; what is not predicted comes first and sees
 * itself in both directions, as in the authors' code. Each target has two rows: a query, `[MASK]` at its position, and
 * then its content. This is the two streams in one: unlike there, later rows see the queries too, which hold nothing but
 * what their own past told them.
 */
import type { InfillingSample } from '../../objective/blank-infilling.ts';
import { separatorOf } from '../../objective/paradigms.ts';
import { hideable, type LabParadigm, lastRowOnly } from './paradigm.ts';

/** XLNet's K: one token in so many is predicted. */
const ONE_IN = 6;

interface Placed {
  token: number;
  position: number;
}

export const permutation: LabParadigm = {
  name: 'permutation',
  title: 'Permutation (XLNet)',
  note: 'Yang et al. 2019: the last sixth of a random factorisation order is predicted, each token at its position from all before it in that order. The two streams are one, with a query row before each content row, which later rows see too. Left out: the memory of the segment before, relative segment encodings; targets are single tokens. A blank is filled from left to right, its positions known.',
  train(text, tokens, random) {
    const order = random.shuffle(hideable(text, tokens));
    const targets = order.slice(0, Math.ceil(order.length / ONE_IN));
    if (targets.length === 0) return undefined;
    const chosen = new Set(targets);
    const place = (position: number): Placed => ({ token: text[position] as number, position });
    const known = text.map((_, position) => position).filter((position) => !chosen.has(position));
    return permuted(known.map(place), targets.map(place), tokens.mask);
  },
  blankEnd: 'told',
  next({ before, after, written, length }, { mask }) {
    const end = before.length + length;
    const known = [...placed(before, 0), ...placed(after, end)];
    // The last target is the one that is asked for.
    return lastRowOnly(permuted(known, placed([...written, mask], before.length), mask));
  },
  continuation: (context, text, { mask }) => permuted(placed(context, 0), placed(text, context.length), mask),
};

function placed(tokens: readonly number[], from: number): Placed[] {
  return tokens.map((token, index) => ({ token, position: from + index }));
}

/** The content of the last target is left out: nobody sees it. */
function permuted(known: readonly Placed[], targets: readonly Placed[], mask: number): InfillingSample {
  const pairs = targets.flatMap(({ token, position }) => [
    { row: { token: mask, position }, target: token },
    { row: { token, position }, target: undefined },
  ]);
  const rows = [...known.map((row) => ({ row, target: undefined })), ...pairs.slice(0, -1)];
  return {
    tokens: Int32Array.from(rows, ({ row }) => row.token),
    targets: Int32Array.from(rows, ({ row, target }) => target ?? row.token),
    lossMask: Uint8Array.from(rows, ({ target }) => Number(target !== undefined)),
    positions: Int32Array.from(rows, ({ row }) => row.position),
    blockPositions: new Int32Array(rows.length),
    sep: separatorOf('permutation', { rows: rows.length, partA: known.length, prefix: 0 }),
  };
}
