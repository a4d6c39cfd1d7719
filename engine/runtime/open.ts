/** Opens a model on the runtime that was asked for, with the native one to take over where another fails. */
import { refuseWhatDoesNotFit, USUAL_CONTEXT, type Way } from '../fit/fit.ts';
import { measureMemory } from '../fit/memory.ts';
import { nativeWay, nativeWays, onnxWays } from '../fit/ways.ts';
import type { ModelFolder } from '../model/load.ts';
import type { Precision } from '../onnx/weights.ts';
import { programPath } from '../program-path.ts';
import { DeviceFailure } from './device-failure.ts';
import { type Candidate, openWithFallback } from './fallback.ts';
import { type NativeRuntimeOptions, nativeExecution, openNativeRuntime } from './native.ts';
import { openOnnxRuntime } from './onnx/onnx.ts';
import { probeProvider } from './onnx/probe.ts';
import { accelerators, cacheKind, PROVIDERS, type Provider } from './onnx/providers.ts';
import type { Runtime } from './runtime.ts';

/** `onnx`: the platform's accelerators, best first. The others name one of onnxruntime's providers. */
export const RUNTIMES = ['native', 'onnx', ...PROVIDERS.map((provider) => `onnx-${provider}` as const)] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

export function isRuntimeName(name: unknown): name is RuntimeName {
  return (RUNTIMES as readonly unknown[]).includes(name);
}

export interface RuntimeOptions extends NativeRuntimeOptions {
  /** Default `native`. */
  runtime?: RuntimeName;
  onnx?: {
    /** Folder that keeps converted models between runs. */
    cacheFolder: string;
    /** Default `float32`. */
    precision?: Precision;
    /** Called with the share of a model's conversion that is done, 0 to 1; not at all when it was converted before. */
    progress?: (share: number) => void;
    /** Path of the bundled worker; by default the one beside the running bundle. */
    host?: string;
  };
  /** Bytes that the model may take; by default what the machine has available. A model that needs more is refused. */
  availableMemory?: number;
  /** How often a device without memory for a Part A refuses it, so that the caller reads less, before it is given up. */
  smallerReads?: number;
  /** Gets one sentence for the user when a runtime cannot be used or fails, and another takes over. */
  tell?: (message: string) => void;
}

/** Throws, before anything is loaded, where the machine's memory does not do; what lies on a GPU is not known before. */
export async function openRuntime(folder: ModelFolder, options: RuntimeOptions = {}): Promise<Runtime> {
  const {
    runtime = 'native',
    onnx,
    tell = () => undefined,
    threads = 0,
    availableMemory,
    smallerReads,
    ...others
  } = options;
  const context = Math.min(USUAL_CONTEXT, folder.config.maxLength);
  const form = nativeExecution(folder, { ...others, threads });
  const refuse = (chosen: Way) => {
    const available = availableMemory ?? measureMemory().available;
    refuseWhatDoesNotFit(folder.path, chosen, nativeWays(folder, form, context), { available, context });
  };
  const openNative = async () => {
    refuse(nativeWay(folder, form, context));
    return openNativeRuntime(folder, { ...others, threads });
  };
  if (runtime === 'native') return openNative();
  if (!onnx) throw new Error(`The runtime ${runtime} needs a folder for converted models.`);
  const wanted = runtime === 'onnx' ? accelerators(process.platform) : [runtime.slice('onnx-'.length) as Provider];
  const candidates = wanted.map((provider): Candidate => {
    const open = async () => {
      const host = await workingHost(folder, provider, onnx.host);
      const name = `onnx-${provider} ${onnx.precision ?? 'float32'}`;
      const ways = provider === 'cpu' ? onnxWays(folder, provider, cacheKind(provider), context) : [];
      const way = ways.find((candidate) => candidate.name === name);
      if (way) refuse(way);
      return openOnnxRuntime(folder, { ...onnx, host, provider, threads });
    };
    return { name: `onnx-${provider}`, open };
  });
  return openWithFallback([...candidates, { name: 'native', open: openNative }], tell, smallerReads);
}

/** A model on one of onnxruntime's providers, with nothing to take over. Throws a DeviceFailure where it cannot run. */
export async function openProvider(
  folder: ModelFolder,
  provider: Provider,
  options: NonNullable<RuntimeOptions['onnx']> & { threads: number },
): Promise<Runtime> {
  const host = await workingHost(folder, provider, options.host);
  return openOnnxRuntime(folder, { ...options, host, provider });
}

/** The worker's program, once the provider has been seen to work in another process. */
async function workingHost(
  { config }: ModelFolder,
  provider: Provider,
  host = programPath('onnx-host.mjs'),
): Promise<string> {
  if (config.decoderLayers) throw new DeviceFailure('models with a decoder are computed natively only');
  const wrong = await probeProvider(provider, host);
  if (wrong !== undefined) throw new DeviceFailure(wrong);
  return host;
}
