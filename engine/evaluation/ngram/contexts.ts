/**
 * Which tokens follow which in a long text: exact counts for contexts of any length. All places of the text lie in one array,
 * ordered by the token before them; what has the same context lies together, and is ordered by one token more only when a
 * longer context is asked for (a suffix tree that is built where it is looked at: Giegerich, Kurtz and Stoye, "Efficient
 * implementation of lazy suffix trees", 2003). Six bytes a token, whatever the length of the contexts.
 */

/** What was seen after one context. */
export interface Followers {
  /** How often a token followed: the sum of `counts`, above zero. */
  readonly total: number;
  /** The tokens that followed, ascending, and how often each did. */
  readonly tokens: Uint16Array;
  readonly counts: Uint32Array;
}

export interface Contexts {
  /**
   * Followers of the ends of `history`, the empty one first, then its last token, its last two …, as far as they occur and
   * something follows them; of `longest` tokens at most.
   */
  after(history: ArrayLike<number>, longest: number): Followers[];
}

/** The places at `order[low … high - 1]` have the same `depth` tokens before them. */
interface Node {
  low: number;
  high: number;
  depth: number;
  /** Whether they are ordered by the token before those. */
  isOrdered: boolean;
  followers: Followers | undefined;
  /** By the token before; undefined for those that do not occur. */
  children: Map<number, Node | undefined> | undefined;
}

/**
 * `text`: ids below `vocabulary`, which is below 2^16; `vocabulary` itself is a border, as between two documents: it follows
 * nothing, and no context reaches over it. Throws a RangeError at other ids.
 */
export function contextsOf(text: Uint16Array, vocabulary: number): Contexts {
  const border = vocabulary;
  /** Times that each token is to be counted; all zero between uses. */
  const times = new Uint32Array(vocabulary + 1);
  const keyAt = (place: number, depth: number) => (place > depth ? (text[place - 1 - depth] as number) : border);

  const order = orderByPrevious(text, vocabulary);
  const root = nodeOf(0, order.length, 0);
  root.isOrdered = true;

  const followersOf = ({ low, high }: Node): Followers => {
    const found: number[] = [];
    for (let i = low; i < high; i++) {
      const token = text[order[i] as number] as number;
      if (times[token] === 0) found.push(token);
      times[token] = (times[token] as number) + 1;
    }
    const tokens = Uint16Array.from(found).sort();
    const counts = Uint32Array.from(tokens, (token) => times[token] as number);
    for (const token of found) times[token] = 0;
    return { total: high - low, tokens, counts };
  };

  const orderFurther = ({ low, high, depth }: Node): void => {
    const places = order.slice(low, high);
    const keys = new Uint16Array(places.length);
    const found: number[] = [];
    for (let i = 0; i < places.length; i++) {
      const key = keyAt(places[i] as number, depth);
      keys[i] = key;
      if (times[key] === 0) found.push(key);
      times[key] = (times[key] as number) + 1;
    }
    let next = low;
    for (const key of found.sort((a, b) => a - b)) {
      const own = times[key] as number;
      times[key] = next;
      next += own;
    }
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      const at = times[key] as number;
      order[at] = places[i] as number;
      times[key] = at + 1;
    }
    for (const key of found) times[key] = 0;
  };

  /** Where in an ordered node the keys reach `key`. */
  const firstNotBelow = ({ low, high, depth }: Node, key: number): number => {
    let [from, to] = [low, high];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (keyAt(order[middle] as number, depth) < key) from = middle + 1;
      else to = middle;
    }
    return from;
  };

  const childOf = (node: Node, key: number): Node | undefined => {
    node.children ??= new Map();
    if (node.children.has(key)) return node.children.get(key);
    if (!node.isOrdered) orderFurther(node);
    node.isOrdered = true;
    const [low, high] = [firstNotBelow(node, key), firstNotBelow(node, key + 1)];
    const child = low < high ? nodeOf(low, high, node.depth + 1) : undefined;
    node.children.set(key, child);
    return child;
  };

  return {
    after(history, longest) {
      const found: Followers[] = [];
      let node: Node | undefined = order.length > 0 ? root : undefined;
      for (let depth = 0; node; depth++) {
        node.followers ??= followersOf(node);
        found.push(node.followers);
        const key = depth < Math.min(longest, history.length) ? history[history.length - 1 - depth] : undefined;
        node = key === undefined || key >= border ? undefined : childOf(node, key);
      }
      return found;
    },
  };
}

/** How often `token` followed. */
export function timesOf({ tokens, counts }: Followers, token: number): number {
  let [from, to] = [0, tokens.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((tokens[middle] as number) < token) from = middle + 1;
    else to = middle;
  }
  return tokens[from] === token ? (counts[from] as number) : 0;
}

function nodeOf(low: number, high: number, depth: number): Node {
  return { low, high, depth, isOrdered: false, followers: undefined, children: undefined };
}

/** All places of `text` but the borders, ordered by the token before them, equals as they come. */
function orderByPrevious(text: Uint16Array, vocabulary: number): Int32Array {
  const border = vocabulary;
  const starts = new Uint32Array(border + 2);
  let previous = border;
  for (const token of text) {
    if (token > border) throw new RangeError(`Token ${token} is none of ${vocabulary}.`);
    if (token !== border) starts[previous + 1] = (starts[previous + 1] as number) + 1;
    previous = token;
  }
  for (let key = 0; key <= border; key++) starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  const order = new Int32Array(starts[border + 1] as number);
  previous = border;
  for (let place = 0; place < text.length; place++) {
    const token = text[place] as number;
    if (token !== border) {
      const at = starts[previous] as number;
      order[at] = place;
      starts[previous] = at + 1;
    }
    previous = token;
  }
  return order;
}
