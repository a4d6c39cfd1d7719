/** The onnx runtime's worker with a bad driver: dies at its n-th request, or when it is tried if no n is given. */
import { isMainThread, parentPort } from 'node:worker_threads';

if (isMainThread && !process.env.CLOZE_TEST_DIES_AT) process.kill(process.pid, 'SIGABRT');
let left = Number(process.env.CLOZE_TEST_DIES_AT);
// Listens first, so that the request is never answered.
parentPort?.on('message', () => {
  left--;
  if (left === 0) process.exit(7);
});
await import('../../../engine/runtime/onnx/host.ts');
