/** The report of a tuned model, for people. */
import type { Estimate } from '../evaluation/intervals.ts';
import type { Comparison, Comparisons, Verdict } from './comparison.ts';
import type { TunedModel } from './tuned-models.ts';

export function tunedToMarkdown(model: TunedModel): string {
  const { number, project, made, base, seed, seconds, files, memory, weights, comparisons, verdict } = model;
  const lines = [
    `# Tuned model ${number} of ${project}`,
    '',
    `Made ${made} from ${base.name} (sha256 ${base.sha256.slice(0, 12)}…), seed ${seed}, in ${seconds} s: from ${files.train + files.choice.length} files, ${files.heldOut.length} others were kept unseen.`,
    '',
    `- Memory: ${memory.files} files of ${memory.characters} characters, up to ${(memory.bytes / 1e6).toFixed(1)} MB. ${keptInWords(memory.verdict)}`,
    ...(weights
      ? [
          `- Weights: ${weights.tokens} tokens in ${weights.seconds} s (${weights.method === 'full' ? 'all weights' : 'low-rank adapters'}), of the change ${percent(weights.share)} is taken.${writtenInWords(weights.written)} ${keptInWords(weights.verdict)}`,
        ]
      : []),
    '',
    '| | tasks | exact match before | after | change | bits per byte before | after | change |',
    '|---|---|---|---|---|---|---|---|',
    ...rows('all that is kept', comparisons),
    ...rows('memory', memory.comparisons),
    ...(weights && weights.share > 0
      ? rows(memory.verdict.usable ? 'weights, beside the memory' : 'weights', weights.comparisons)
      : []),
    '',
    'In brackets: 95 % intervals over the draw of tasks, changes in pairs.',
    '',
    verdict.usable ? 'Better on the project, not worse on the guard: it can be used.' : 'It is not to be used.',
  ];
  return `${lines.join('\n')}\n`;
}

function keptInWords({ usable, reasons }: Verdict): string {
  return usable ? 'Kept.' : `Not kept. ${reasons.join(' ')}`;
}

function writtenInWords(places: number): string {
  return places > 0 ? ` A quarter of the blanks: ${places} places where recent commits added lines.` : '';
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function rows(name: string, { project, guard }: Comparisons): string[] {
  return [row(`${name}: unseen files of the project`, project), row(`${name}: guard`, guard)];
}

function row(name: string, { tasks, exactMatch, bitsPerByte }: Comparison): string {
  const points = (value: number) => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)}`;
  const bits = (value: number) => value.toFixed(3);
  const signed = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(3)}`;
  const spread = ({ value, low, high }: Estimate, write: (value: number) => string) =>
    `${write(value)} [${write(low)}, ${write(high)}]`;
  const cells = [
    name,
    String(tasks),
    percent(exactMatch.before.value),
    percent(exactMatch.after.value),
    spread(exactMatch.change, points),
    bits(bitsPerByte.before.value),
    bits(bitsPerByte.after.value),
    spread(bitsPerByte.change, signed),
  ];
  return `| ${cells.join(' | ')} |`;
}
