/** Reads keys of a config.json that may hold anything; every error names the file, the key, the expected and the found. */
export interface ConfigKeys {
  path: string;
  has(key: string): boolean;
  /** The raw value, for telling families apart. */
  raw(key: string): unknown;
  /** A whole number of at least `least`, 1 unless said otherwise. */
  count(key: string, least?: number): number;
  /** A number above 0, or `otherwise` where the key is absent. */
  positive(key: string, otherwise: number): number;
  flag(key: string, otherwise: boolean): boolean;
  /** One of the values, the first where the key is absent. */
  choice<V extends string>(key: string, values: readonly [V, ...V[]]): V;
  /** Throws unless the key is absent or has this value: for options that no runtime here computes. */
  only(key: string, value: unknown): void;
}

export function configKeys(json: string, path: string): ConfigKeys {
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}.`);
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root))
    throw new Error(`${path} is not a JSON object.`);
  const values = new Map<string, unknown>(Object.entries(root));
  const wrong = (key: string, expected: string): Error => {
    const found = values.has(key) ? `it is ${JSON.stringify(values.get(key))}` : 'it is absent';
    return new Error(`${path}: "${key}" must be ${expected}, but ${found}.`);
  };
  return {
    path,
    has: (key) => values.has(key),
    raw: (key) => values.get(key),
    count(key, least = 1) {
      const value = values.get(key);
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
        throw wrong(key, least > 0 ? `a whole number above ${least - 1}` : 'a whole number');
      return value;
    },
    positive(key, otherwise) {
      const value = values.has(key) ? values.get(key) : otherwise;
      if (typeof value !== 'number' || !(value > 0)) throw wrong(key, 'a number above 0');
      return value;
    },
    flag(key, otherwise) {
      const value = values.has(key) ? values.get(key) : otherwise;
      if (typeof value !== 'boolean') throw wrong(key, 'true or false');
      return value;
    },
    choice(key, known) {
      const value = values.has(key) ? values.get(key) : known[0];
      const found = known.find((candidate) => candidate === value);
      if (found === undefined) throw wrong(key, known.map((candidate) => JSON.stringify(candidate)).join(' or '));
      return found;
    },
    only(key, value) {
      if (values.has(key) && values.get(key) !== value)
        throw wrong(key, `${JSON.stringify(value)} (nothing else is supported)`);
    },
  };
}
