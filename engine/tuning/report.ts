/** The report of a tuned model, for people. */
import type { Estimate } from '../evaluation/intervals.ts';
import type { Comparison } from './comparison.ts';
import type { TunedModel } from './tuned-models.ts';

export function tunedToMarkdown({
  number,
  project,
  made,
  base,
  seed,
  trained,
  files,
  mixture,
  comparisons,
  verdict,
}: TunedModel): string {
  const lines = [
    `# Tuned model ${number} of ${project}`,
    '',
    `Made ${made} from ${base.name} (sha256 ${base.sha256.slice(0, 12)}…), seed ${seed}: ${trained.tokens} tokens in ${trained.seconds} s (${trained.method === 'full' ? 'all weights' : 'low-rank adapters'}), from ${files.train} files of ${trained.corpus} tokens; ${files.heldOut.length} files were kept unseen.`,
    '',
    `Of the change ${percent(mixture.share)} is taken, chosen on ${files.choice.length} other files of the project and a part of the guard.`,
    '',
    '| | tasks | exact match before | after | change | bits per byte before | after | change |',
    '|---|---|---|---|---|---|---|---|',
    row('unseen files of the project', comparisons.project),
    row('the same, without the document cache', comparisons.alone),
    row('guard', comparisons.guard),
    '',
    'In brackets: 95 % intervals over the draw of tasks, changes in pairs.',
    '',
    verdict.usable ? 'Better on the project, not worse on the guard: it can be used.' : 'It is not to be used.',
    ...verdict.reasons.map((reason) => `- ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
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
