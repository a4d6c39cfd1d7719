/** The device or its worker is gone or cannot compute: the session is lost, another runtime may go on. */
export class DeviceFailure extends Error {
  override name = 'DeviceFailure';
}

/** The device works, but has no memory for so much context: less of it may do. */
export class MemoryFailure extends DeviceFailure {
  override name = 'MemoryFailure';
}

/** What CUDA, Vulkan, Dawn, Direct3D (E_OUTOFMEMORY) and onnxruntime's own allocators say. */
const NO_MEMORY =
  /out of memory|out_of_(?:\w+_)?memory|failed to allocate|e_outofmemory|bad_alloc|allocation of size .* failed/i;

export function deviceFailure(message: string): DeviceFailure {
  return NO_MEMORY.test(message) ? new MemoryFailure(message) : new DeviceFailure(message);
}
