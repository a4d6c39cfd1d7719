/** Values of options, checked where they come in. */

/** Throws a RangeError that names the option, what it takes and what it was given. */
export function wholeNumber(value: string, option: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isSafeInteger(number) || number < least || number > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new RangeError(`${option} takes a whole number ${range}, but was given "${value}".`);
  }
  return number;
}

/** Throws a RangeError that names the option, what it takes and what it was given. */
export function oneOf<V extends string>(value: string, option: string, values: readonly V[]): V {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw new RangeError(`${option} takes ${values.join(', ')}, but was given "${value}".`);
  return found;
}

/** `30M`, `1.5G`, `200k` or a plain number. Throws a RangeError that names the option and what it was given. */
export function amount(value: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(value);
  const number = match
    ? Math.round(Number(match[1]) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[match[2] as '' | 'k' | 'M' | 'G'])
    : 0;
  if (number < 1) throw new RangeError(`${option} takes an amount such as 30M or 200k, but was given "${value}".`);
  return number;
}
