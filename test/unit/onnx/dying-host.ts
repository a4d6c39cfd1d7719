/**
 * The onnx runtime's worker with a bad driver, in place of the real one: dies at its n-th request (CLOZE_TEST_DIES_AT),
 * loses its device there and from then on (CLOZE_TEST_FAILS_AT), has no memory for steps of more rows (CLOZE_TEST_ROOM),
 * or, if none is given, aborts when it is tried.
 */
import { isMainThread, parentPort } from 'node:worker_threads';
import type { Request } from '../../../engine/runtime/onnx/messages.ts';

const { CLOZE_TEST_DIES_AT: dies, CLOZE_TEST_FAILS_AT: fails, CLOZE_TEST_ROOM: room } = process.env;
if (isMainThread && !dies && !fails && !room) process.kill(process.pid, 'SIGABRT');
let requests = 0;
let rows = 0;
// Listens first, so that the request is never answered.
parentPort?.on('message', (request: Request) => {
  requests++;
  rows = request.kind === 'step' ? request.parts.reduce((sum, part) => sum + part.rows.tokens.length, 0) : 0;
  if (requests === Number(dies)) process.exit(7);
});
if (parentPort && (fails || room)) {
  const answer = parentPort.postMessage.bind(parentPort);
  const failed = (message: string) => answer({ kind: 'failed', message, fatal: false });
  parentPort.postMessage = (reply, transfer) => {
    if (fails && requests >= Number(fails)) failed('the device was lost');
    else if (room && rows > Number(room)) failed('Failed to allocate memory: VK_ERROR_OUT_OF_DEVICE_MEMORY');
    else answer(reply, transfer);
  };
}
await import('../../../engine/runtime/onnx/host.ts');
