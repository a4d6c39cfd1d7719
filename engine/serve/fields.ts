/** Fields of a JSON body, read one by one: what is absent or null is the default, what has another type is refused. */
import { ApiError } from './api-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function wrongField(param: string, message: string): ApiError {
  return new ApiError(400, message, { param });
}

export function textField<D extends string | undefined>(fields: Fields, name: string, absent: D): string | D {
  const value = fields[name] ?? undefined;
  if (value === undefined) return absent;
  if (typeof value !== 'string') throw wrongField(name, `"${name}" must be text, but it is ${kindOf(value)}.`);
  return value;
}

export function flagField(fields: Fields, name: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== 'boolean')
    throw wrongField(name, `"${name}" must be true or false, but it is ${kindOf(value)}.`);
  return value;
}

export interface NumberRange {
  least: number;
  most: number;
  /** Only whole numbers. */
  whole?: boolean;
}

export function numberField(fields: Fields, name: string, absent: number, range: NumberRange): number {
  const value = fields[name] ?? absent;
  const fits =
    typeof value === 'number' &&
    value >= range.least &&
    value <= range.most &&
    (!range.whole || Number.isSafeInteger(value));
  if (!fits) {
    const { least, most } = range;
    const sort = least === most ? most : `${range.whole ? 'a whole number' : 'a number'} from ${least} to ${most}`;
    const found = typeof value === 'number' ? value : kindOf(value);
    throw wrongField(name, `"${name}" must be ${sort}, but it is ${found}.`);
  }
  return value;
}

/** OpenAI's limit. */
const MOST_STOPS = 4;

/** One string or up to four. */
export function stopField(fields: Fields): string[] {
  const value = fields.stop ?? [];
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  if (stops.length > MOST_STOPS || !stops.every((stop) => typeof stop === 'string' && stop !== '')) {
    throw wrongField('stop', `"stop" must be a string or up to ${MOST_STOPS} strings, none of them empty.`);
  }
  return stops as string[];
}

/** Whether a stream is to end with what was used. */
export function includesUsage(fields: Fields): boolean {
  const options = fields.stream_options ?? {};
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw wrongField('stream_options', `"stream_options" must be an object, but it is ${kindOf(options)}.`);
  }
  return flagField(options as Fields, 'include_usage');
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
