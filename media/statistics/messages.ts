/** What the statistics page and the extension say to each other; each side checks what it hears. */
import { type Counts, isCounts } from './counts.ts';

/** Counts by day, as `2026-01-31`. */
export type Days = Record<string, Counts>;

export type ToPage = { type: 'days'; days: Days; today: string };
export type FromPage = { type: 'ready' | 'refresh' | 'export' | 'wipe' };

export function isFromPage(value: unknown): value is FromPage {
  const type = (value as Partial<FromPage> | null)?.type;
  return type === 'ready' || type === 'refresh' || type === 'export' || type === 'wipe';
}

export function isToPage(value: unknown): value is ToPage {
  if (typeof value !== 'object' || value === null) return false;
  const { type, days, today } = value as Partial<ToPage>;
  return (
    type === 'days' &&
    typeof today === 'string' &&
    typeof days === 'object' &&
    days !== null &&
    Object.values(days).every(isCounts)
  );
}
