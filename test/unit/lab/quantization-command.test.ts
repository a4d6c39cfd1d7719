/** What the command refuses, before it looks for a corpus or a model. */
import { describe, expect, it } from 'vitest';
import { amount } from '../../../engine/cli/arguments.ts';
import { labQuantizationCommand } from '../../../engine/cli/lab-quantization.ts';

describe('cloze lab quantization', () => {
  it.each([
    [['--sizes', '3x33'], /--sizes takes LAYERSxWIDTH/],
    [['--tokens', 'many'], /--tokens takes an amount such as 30M/],
    [['--tokens', '0'], /--tokens/],
    [['--seed', '1.5'], /--seed takes a whole number/],
    [['--documents', '0'], /--documents takes a whole number/],
    [['--threads', '0'], /--threads takes a whole number/],
    [['--what'], /--what/],
  ])('%j: says which option is wrong and what it takes', async (args, message) => {
    await expect(labQuantizationCommand(args)).rejects.toThrow(message);
  });
});

describe('an amount', () => {
  it.each([
    ['30M', 30e6],
    ['1.5G', 1.5e9],
    ['200k', 2e5],
    ['17', 17],
  ])('%s is %d', (text, number) => {
    expect(amount(text, '--tokens')).toBe(number);
  });

  it.each(['', '0', '-3', '3x', '1e6', '0.2'])('"%s" is refused', (text) => {
    expect(() => amount(text, '--tokens')).toThrow('--tokens takes an amount');
  });
});
