/** A device that has no memory for the text around a blank is asked again with less of it, before another takes over. */
import { MemoryFailure } from '../runtime/device-failure.ts';

/** Tokens of context below which it is no use to ask for less. */
const LEAST = 64;

/** Runs a call with the context it asks for, or what the device was found to have room for. */
export type WithinMemory = <O extends { contextTokens?: number }, R>(
  options: O,
  call: (options: O) => Promise<R>,
) => Promise<R>;

/** `longest`: the model's context. `tell` gets one sentence for the user, once. */
export function createWithinMemory(longest: number, tell: (message: string) => void): WithinMemory {
  let most = longest;
  let told = false;
  return async (options, call) => {
    for (;;) {
      const contextTokens = Math.min(options.contextTokens ?? longest, most);
      try {
        return await call(contextTokens === longest ? options : { ...options, contextTokens });
      } catch (error) {
        if (!(error instanceof MemoryFailure)) throw error;
        // Below the least it is asked as often as it takes the runtime to be given up.
        most = Math.max(LEAST, contextTokens >> 1);
        if (told) continue;
        told = true;
        tell(`The device has no memory for ${contextTokens} tokens of context. The model reads fewer from now on.`);
      }
    }
  };
}
