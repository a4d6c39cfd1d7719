/** `cloze eval --suite`: a model on a published benchmark, its programs run where they can do no harm. */
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { sha256Of } from '../checkpoint/file-hash.ts';
import { checkConfinement, type Protection } from '../evaluation/execution/confinement.ts';
import { findPython } from '../evaluation/execution/interpreter.ts';
import { executionLimits } from '../evaluation/execution/limits.ts';
import { type Outcome, runPython } from '../evaluation/execution/run-python.ts';
import { suitePlots } from '../evaluation/plots/report-plots.ts';
import { evaluateSuite } from '../evaluation/suites/evaluate-suite.ts';
import { readRecords } from '../evaluation/suites/records.ts';
import { suites } from '../evaluation/suites/registry.ts';
import type { SuiteTask } from '../evaluation/suites/suite.ts';
import { suiteToMarkdown } from '../evaluation/suites/suite-markdown.ts';
import { buildSuiteReport } from '../evaluation/suites/suite-report.ts';
import { loadModel } from '../load-model.ts';
import type { FimOrder } from '../objective/fill-in-the-middle.ts';
import { kernelLevel } from './environment.ts';
import { LANGUAGE_SUITES } from './eval-language.ts';
import { machine, measuredModel, progress, writePlots } from './measurement.ts';

export interface EvalSuiteOptions {
  command: string;
  suite: string;
  file: string;
  model: string;
  execution: string;
  python: string;
  seed: number;
  contextTokens: number;
  /** Without the document's votes, whatever the model's size. */
  modelAlone: boolean;
  order: FimOrder;
  threads: number;
  json: string | undefined;
  plots: string | undefined;
  signal: AbortSignal;
}

export async function evalSuite(options: EvalSuiteOptions): Promise<number> {
  const { command, file, seed, contextTokens, modelAlone, order, threads, signal } = options;
  const suite = suites[options.suite];
  if (!suite) {
    throw new Error(
      `There is no suite "${options.suite}"; there are: ${[...Object.keys(suites), ...LANGUAGE_SUITES].join(', ')}.`,
    );
  }
  const tasks = suite.tasks(await readRecords(file), file);
  // Whatever is missing is told before the model is loaded.
  const execution = await chosenExecution(options, tasks, signal);
  const loaded = await loadModel(options.model, { level: kernelLevel(), threads, order });
  const documentCache = loaded.documentCache === true && !modelAlone;
  const model = { ...loaded, documentCache };
  try {
    const answered = await evaluateSuite(model, tasks, {
      contextTokens,
      signal,
      ...(execution ? { run: execution.run } : {}),
      onProgress: (done, all, { kind }) => progress(`${kind}: task ${done + 1}/${all}`),
    });
    progress('');
    const report = buildSuiteReport(
      {
        command,
        seed,
        contextTokens,
        documentCache,
        model: await measuredModel(model, options.model),
        suite: { name: suite.name, protocol: suite.protocol, file, sha256: await sha256Of(file), tasks: tasks.length },
        execution: execution ? { ...execution.protection, python: execution.version } : null,
        machine: machine(),
      },
      answered,
    );
    process.stdout.write(suiteToMarkdown(report));
    if (options.json) await writeFileAtomically(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (options.plots) await writePlots(options.plots, suitePlots(report));
  } finally {
    model.runtime.dispose();
  }
  return 0;
}

interface Execution {
  protection: Protection;
  version: string;
  run(program: string): Promise<Outcome>;
}

/** Undefined where nothing is to be run. */
async function chosenExecution(
  { execution, python: name }: EvalSuiteOptions,
  tasks: readonly SuiteTask[],
  signal: AbortSignal,
): Promise<Execution | undefined> {
  if (execution !== 'isolated' && execution !== 'unprotected' && execution !== 'none') {
    throw new RangeError(`--execution takes isolated, unprotected or none, but was given "${execution}".`);
  }
  if (execution === 'none' || !tasks.some(({ program }) => program)) return undefined;
  const python = await findPython(name);
  const protection = await checkConfinement(python, execution, executionLimits);
  const run = (program: string) =>
    runPython(program, { python, confinement: execution, limits: executionLimits, signal });
  return { protection, version: python.version, run };
}
