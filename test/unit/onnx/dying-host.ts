/** The onnx runtime's worker with a bad driver: dies at its n-th request as a worker, and at once as a probe. */
import { isMainThread, parentPort } from 'node:worker_threads';

if (isMainThread) process.kill(process.pid, 'SIGABRT');
let left = Number(process.env.CLOZE_TEST_DIES_AT);
// Listens first, so that the request is never answered.
parentPort?.on('message', () => {
  left--;
  if (left === 0) process.exit(7);
});
await import('../../../engine/runtime/onnx/host.ts');
