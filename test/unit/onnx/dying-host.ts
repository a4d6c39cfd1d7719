/**
 * The onnx runtime's worker with a bad driver, in place of the real one: dies at its n-th request (CLOZE_TEST_DIES_AT),
 * loses its device there and from then on (CLOZE_TEST_FAILS_AT), or, if neither is given, aborts when it is tried.
 */
import { isMainThread, parentPort } from 'node:worker_threads';

const { CLOZE_TEST_DIES_AT: dies, CLOZE_TEST_FAILS_AT: fails } = process.env;
if (isMainThread && !dies && !fails) process.kill(process.pid, 'SIGABRT');
let requests = 0;
// Listens first, so that the request is never answered.
parentPort?.on('message', () => {
  requests++;
  if (requests === Number(dies)) process.exit(7);
});
if (parentPort && fails) {
  const answer = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (reply, transfer) => {
    if (requests < Number(fails)) answer(reply, transfer);
    else answer({ kind: 'failed', message: 'the device was lost', fatal: false });
  };
}
await import('../../../engine/runtime/onnx/host.ts');
