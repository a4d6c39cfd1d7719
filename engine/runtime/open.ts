/** Opens a model on the runtime that was asked for, with the native one to take over where another fails. */
import type { ModelFolder } from '../model/load.ts';
import type { Precision } from '../onnx/weights.ts';
import { DeviceFailure } from './device-failure.ts';
import { type Candidate, openWithFallback } from './fallback.ts';
import { type NativeRuntimeOptions, openNativeRuntime } from './native.ts';
import { hostPath } from './onnx/host-path.ts';
import { openOnnxRuntime } from './onnx/onnx.ts';
import { probeProvider } from './onnx/probe.ts';
import { accelerators, PROVIDERS, type Provider } from './onnx/providers.ts';
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
  /** Gets one sentence for the user when a runtime cannot be used or fails, and another takes over. */
  tell?: (message: string) => void;
}

export async function openRuntime(folder: ModelFolder, options: RuntimeOptions = {}): Promise<Runtime> {
  const { runtime = 'native', onnx, tell = () => undefined, threads = 0, ...others } = options;
  const openNative = () => openNativeRuntime(folder, { ...others, threads });
  if (runtime === 'native') return openNative();
  if (!onnx) throw new Error(`The runtime ${runtime} needs a folder for converted models.`);
  const wanted = runtime === 'onnx' ? accelerators(process.platform) : [runtime.slice('onnx-'.length) as Provider];
  const candidates = wanted.map((provider): Candidate => {
    const open = async () => {
      if (folder.config.experts || folder.config.queryKeyNorm)
        throw new DeviceFailure('models with experts, or with norms of queries and keys, are computed natively only');
      const host = onnx.host ?? hostPath();
      const wrong = await probeProvider(provider, host);
      if (wrong !== undefined) throw new DeviceFailure(wrong);
      return openOnnxRuntime(folder, { ...onnx, host, provider, threads });
    };
    return { name: `onnx-${provider}`, open };
  });
  return openWithFallback([...candidates, { name: 'native', open: openNative }], tell);
}
