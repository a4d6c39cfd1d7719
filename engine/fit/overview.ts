/** Every way of running a model on this machine, with what it takes and whether it fits. */
import type { ModelFolder } from '../model/load.ts';
import type { Precision } from '../onnx/weights.ts';
import { nativeExecution } from '../runtime/native.ts';
import { accelerators, cacheKind, type Provider } from '../runtime/onnx/providers.ts';
import type { NativeForm } from './demand.ts';
import type { Device } from './devices.ts';
import { fits, type Way } from './fit.ts';
import { nativeWays, onnxWays } from './ways.ts';

export interface Circumstances {
  /** Tokens of context that are wanted; at most what the model takes. */
  context: number;
  threads: number;
  /** Of the kernels; empty for the best. */
  level: string;
  /** Bytes of the machine's memory that can be had. */
  available: number;
  /** Graphics cards, where they were looked for. */
  devices: readonly Device[];
}

export interface WayHere extends Way {
  runtime: 'native' | `onnx-${Provider}`;
  /** Where its memory is. */
  device: 'cpu' | 'gpu';
  /** Bytes there; undefined where that is not known before it is used. */
  available: number | undefined;
  fits: boolean | undefined;
  /** Of a native way. */
  form?: NativeForm;
  /** Of a way of onnxruntime. */
  provider?: Provider;
  precision?: Precision;
}

/** The native way that is chosen when nobody says otherwise, and the others; then onnxruntime's, by provider. */
export function waysHere(
  folder: Pick<ModelFolder, 'path' | 'config' | 'bits' | 'group'>,
  { context: wanted, threads, level, available, devices }: Circumstances,
): { usual: string; ways: WayHere[] } {
  const context = Math.min(wanted, folder.config.maxLength);
  const form = nativeExecution(folder, { level, threads });
  const placed = (way: Way, runtime: WayHere['runtime'], free: number | undefined): WayHere => ({
    ...way,
    runtime,
    device: runtime === 'native' || runtime === 'onnx-cpu' ? 'cpu' : 'gpu',
    available: free,
    fits: free === undefined ? undefined : fits(way.demand, free),
  });
  const cards = devices.flatMap(({ kind, free }) => (kind === 'gpu' && free !== undefined ? [free] : []));
  const card = cards.length > 0 ? Math.max(...cards) : undefined;
  const native = nativeWays(folder, form, context).map((way) => placed(way, 'native', available));
  const providers: readonly Provider[] = ['cpu', ...accelerators(process.platform)];
  const onnx = providers.flatMap((provider) =>
    onnxWays(folder, provider, cacheKind(provider), context).map((way) => ({
      ...placed(way, `onnx-${provider}`, provider === 'cpu' ? available : card),
      provider,
    })),
  );
  return { usual: `native ${form.precision}`, ways: [...native, ...onnx] };
}
