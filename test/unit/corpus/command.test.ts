import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { corpusCommand } from '../../../engine/cli/corpus.ts';

let errors: string;
beforeEach(() => {
  errors = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += text;
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterEach(() => vi.restoreAllMocks());

test('help is asked for and given', async () => {
  expect(await corpusCommand(['--help'])).toBe(0);
  expect(process.stdout.write).toHaveBeenCalledWith(expect.stringMatching(/^Usage: cloze corpus/));
});

test.each([
  [['scan'], /Unknown step "scan"/],
  [['fetch', 'pack'], /Unknown step "fetch pack"/],
  [['--sed', '1'], /--sed/],
  [['pack', '--seed', 'x'], /--seed must be a whole number, not "x"/],
  [['pack', '--list', '/nowhere/list.json'], /Cannot read the package list \/nowhere\/list\.json/],
])('%j is refused with status 2', async (args, message) => {
  expect(await corpusCommand(args)).toBe(2);
  expect(errors).toMatch(message);
});
