/** Execution providers of onnxruntime: which there are, and which of them to try on a platform. */
import type { CacheKind } from '../../onnx/glm-graph.ts';

export const PROVIDERS = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Best first. WebGPU alone keeps the cache on the device; the others get it with every step. */
const BY_PLATFORM: Readonly<Partial<Record<NodeJS.Platform, readonly Provider[]>>> = {
  linux: ['webgpu', 'cuda'],
  win32: ['webgpu', 'dml'],
  darwin: ['webgpu', 'coreml'],
};

/** The providers that use an accelerator on this platform, best first. */
export function accelerators(platform: NodeJS.Platform): readonly Provider[] {
  return BY_PLATFORM[platform] ?? [];
}

/** Where a provider's outputs stay decides what a step gives out. */
export function cacheKind(provider: Provider): CacheKind {
  return provider === 'webgpu' ? 'resident' : 'rows';
}
