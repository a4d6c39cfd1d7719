/** A hub with one model, `someone/small`, which is the folder it is given: answers as the pages of Hugging Face do. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface ModelHub {
  /** The model's page. */
  page: string;
  /** Paths that were asked for. */
  asked: string[];
  /** Of files that were asked for in part. */
  ranges: string[];
  /** Holds back the rest of each file of weights while true. */
  hold: boolean;
  dispose(): void;
}

export async function startModelHub(folder: string): Promise<ModelHub> {
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    if (path === '/api/models/someone/small/tree/main') return void response.end(JSON.stringify(listOf(files)));
    const bytes = files.get(/^\/someone\/small\/resolve\/main\/([\w.]+)$/.exec(path)?.[1] ?? '');
    if (!bytes) return void response.writeHead(404).end();
    if (request.headers.range !== undefined) ranges.push(request.headers.range);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from, ...(from > 0 ? range : {}) });
    if (path.endsWith('.safetensors') && hub.hold) response.write(bytes.subarray(from, bytes.length >> 1));
    else response.end(bytes.subarray(from));
  });
  const asked: string[] = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hub: ModelHub = {
    page: `http://127.0.0.1:${(server.address() as AddressInfo).port}/someone/small`,
    asked,
    ranges,
    hold: false,
    dispose() {
      server.closeAllConnections();
      server.close();
    },
  };
  return hub;
}

function listOf(files: ReadonlyMap<string, Buffer>): object[] {
  return [...files].map(([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
    ...(path.endsWith('.safetensors') ? { lfs: { oid: createHash('sha256').update(bytes).digest('hex') } } : {}),
  }));
}
