/** The options of commands that run a model: what computes it, and how. */
import { PRECISIONS } from '../onnx/weights.ts';
import { RUNTIMES, type RuntimeOptions } from '../runtime/open.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { graphFolder, kernelLevel } from './environment.ts';

export const RUNTIME_USAGE = `  --threads N           default: one fewer than the processors
  --runtime NAME        ${RUNTIMES.slice(0, 4).join(', ')},
                        ${RUNTIMES.slice(4).join(', ')} (default: native);
                        onnx takes the platform's best; native takes over where another fails
  --precision P         of an onnx runtime: ${PRECISIONS.join(', ')} (default: float32)`;

/** For `parseArgs`. */
export const RUNTIME_FLAGS = {
  threads: { type: 'string', default: '0' },
  runtime: { type: 'string', default: 'native' },
  precision: { type: 'string', default: 'float32' },
} as const;

export function runtimeOptions(values: { threads: string; runtime: string; precision: string }): RuntimeOptions {
  return {
    threads: wholeNumber(values.threads, '--threads', 0),
    level: kernelLevel(),
    runtime: oneOf(values.runtime, '--runtime', RUNTIMES),
    onnx: {
      cacheFolder: graphFolder(),
      precision: oneOf(values.precision, '--precision', PRECISIONS),
      progress: showConversion,
    },
    tell: (message) => process.stderr.write(`${message}\n`),
  };
}

/** One line of a terminal, written over until the conversion ends. */
function showConversion(share: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(
    `\rConverting the model for onnxruntime: ${Math.floor(100 * share)} %${share === 1 ? '\n' : ''}`,
  );
}
