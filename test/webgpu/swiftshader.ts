/** What the tests of the WebGPU provider need: the runtime's worker, and a Vulkan that is in software. */
import { installChromium } from '../editor/chromium-install.ts';
import { setup as bundle } from '../unit/onnx/bundle.ts';

export async function setup(): Promise<void> {
  await bundle();
  await installChromium((line) => process.stdout.write(`${line}\n`));
}
