/** `cloze finetune --compare`: the table of docs/finetuning.md. */
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import { type Cell, COMPARISON, compareMethods, plannedCells } from '../finetuning/comparison.ts';
import {
  comparisonGaps,
  comparisonRows,
  comparisonTable,
  comparisonVerdict,
  patternTable,
} from '../finetuning/comparison-report.ts';
import { loadModel } from '../load-model.ts';
import type { ExecutionOptions } from '../native.ts';
import { kernelLevel } from './environment.ts';
import { openCorpus } from './finetune-data.ts';
import { machine, measuredModel } from './measurement.ts';

export interface CompareOptions {
  command: string;
  folder: string;
  model: string;
  corpus: string | undefined;
  execution: ExecutionOptions;
  signal: AbortSignal;
}

export async function compareCommand(options: CompareOptions): Promise<number> {
  const { command, folder, execution, signal } = options;
  const corpus = await openCorpus(options.corpus);
  const loaded = await loadModel(options.model, { level: kernelLevel(), threads: execution.threads });
  loaded.runtime.dispose();
  const cells: Cell[] = [];
  try {
    await compareMethods({
      plan: COMPARISON,
      base: loaded.folder,
      sha256: await sha256Of(join(options.model, 'model.safetensors')),
      tokenizer: loaded.tokenizer,
      corpus,
      folder,
      execution,
      onLine: (line) => process.stderr.write(`${line}\n`),
      onCell: (all, cell) => {
        cells.push(cell);
        const right = cell.right.filter(Boolean).length;
        process.stderr.write(
          `${cells.length}/${all} ${cell.task}, ${cell.examples} examples, seed ${cell.seed}, ${cell.method}${cell.pattern === undefined ? '' : ` by pattern ${cell.pattern}`}: ${right} of ${cell.right.length} right, ${cell.seconds} s\n`,
        );
      },
      signal,
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const rows = comparisonRows(cells);
  const gaps = comparisonGaps(plannedCells(COMPARISON), cells);
  const model = await measuredModel(loaded, options.model);
  const markdown = [
    `- Command: \`${command}\``,
    `- Model: ${model.name}, ${(model.parameters / 1e6).toFixed(1)} M parameters; weights ${model.sha256.slice(0, 12)}; corpus ${corpus.fingerprint.slice(0, 12)}`,
    `- Machine: ${machine()}; ${cells.reduce((sum, { seconds }) => sum + seconds, 0)} s for ${cells.length} runs`,
    '',
    ...comparisonTable(rows),
    '',
    ...comparisonVerdict(rows),
    '',
    ...patternTable(cells),
    ...(gaps.length > 0
      ? ['', 'Stopped before all runs were done; the same command goes on from here:', '', ...gaps]
      : []),
    '',
  ].join('\n');
  process.stdout.write(markdown);
  await writeFileAtomically(
    join(folder, 'comparison.json'),
    `${JSON.stringify({ command, model, plan: COMPARISON, rows }, null, 2)}\n`,
  );
  return signal.aborted ? 130 : 0;
}
