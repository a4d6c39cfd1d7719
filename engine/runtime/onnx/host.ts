/**
 * A file of its own in the bundle: as a worker thread it holds a model and answers requests one after another; as a
 * process (`host probe PROVIDER`) it finds out whether a provider works, and may be brought down by its driver.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Hosted, Reply, Request } from './messages.ts';

// onnxruntime 1.30 sends reports of its use to its makers on Linux and macOS, unless this is set before it begins.
process.env.ORT_DISABLE_TELEMETRY = '1';

if (isMainThread) {
  const { tryProvider } = await import('./trial.ts');
  await tryProvider(process.argv[3] ?? '');
} else {
  await serve(workerData as Hosted);
}

async function serve(hosted: Hosted): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('The worker has no port.');
  const reply = (message: Reply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const failed = (error: unknown, fatal: boolean) =>
    reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error), fatal });
  const { loadStepModel } = await import('./step.ts');
  try {
    const model = await loadStepModel(hosted);
    port.on('message', async (request: Request) => {
      try {
        if (request.kind === 'step') {
          const logits = await model.step(request);
          reply({ kind: 'done', logits }, [logits.buffer as ArrayBuffer]);
          return;
        }
        if (request.kind === 'fork') model.fork(request.session, request.copy);
        if (request.kind === 'close') model.close(request.session);
        if (request.kind === 'unload') await model.unload();
        reply({ kind: 'done' });
        if (request.kind === 'unload') port.close();
      } catch (error) {
        failed(error, false);
      }
    });
    reply({ kind: 'ready' });
  } catch (error) {
    failed(error, true);
    port.close();
  }
}
