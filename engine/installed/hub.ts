/**
 * A model's page on a hub, as `OWNER/NAME` below the hub's address: which files it has, with length and hash, by the
 * hub's own list (GET /api/models/OWNER/NAME/tree/REVISION, as Hugging Face and its mirrors have it), and where they lie
 * (OWNER/NAME/resolve/REVISION/FILE). What the list says is taken for hostile.
 */
import { firstText } from '../remote/connection.ts';
import { RemoteFailure } from '../remote/failure.ts';
import { checkAddress, followed, type RemoteFile } from './download-file.ts';

export interface HubModel {
  name: string;
  files: (RemoteFile & { name: string })[];
}

/** What the engine reads of a model folder, and what tells the terms under which it may be used. */
const WANTED =
  /^(config\.json|[\w.-]+\.safetensors|[\w.-]+\.safetensors\.index\.json|pytorch_model[\w.-]*\.bin|pytorch_model\.bin\.index\.json|tokenizer(_config)?\.json|(tokenizer|ice_text|cog-pretrain)\.model|vocab\.(json|txt)|merges\.txt|chat_template\.jinja|LICENSE(\.\w+)?)$/;
const LARGEST_LIST = 4_000_000;

/** `url`: the model's page; `mirror`: another hub with the same pages. */
export async function readHubModel(
  url: string,
  { mirror, silence }: { mirror?: string | undefined; silence: number },
  signal: AbortSignal,
): Promise<HubModel> {
  const { base, owner, name, revision } = parsePage(url, mirror);
  const list = new URL(`${base}/api/models/${owner}/${name}/tree/${revision}`);
  const text = await followed(
    list,
    { accept: 'application/json' },
    silence,
    async ({ status, body }) => {
      if (status !== 200)
        throw new RemoteFailure(
          `${list.href} answered ${status}. Is ${owner}/${name} the model's name, and open to all?`,
        );
      return firstText(body, LARGEST_LIST);
    },
    signal,
  );
  const found = entries(text, list.href).filter((entry) => WANTED.test(entry.path));
  const safe = found.some(({ path }) => path.endsWith('.safetensors'));
  const files = found
    .filter(({ path }) => !(safe && path.includes('.bin')))
    .map(({ path, size, hash }) => ({
      name: path,
      url: new URL(`${base}/${owner}/${name}/resolve/${revision}/${path}`),
      size,
      hash,
    }));
  if (!files.some((file) => file.name === 'config.json'))
    throw new RemoteFailure(`${list.href} lists no config.json: this is no model that can be run.`);
  return { name, files };
}

function parsePage(url: string, mirror: string | undefined) {
  const page = URL.canParse(url) ? new URL(url) : undefined;
  const match = /^(.*?)\/([\w.-]+)\/([\w.-]+)(?:\/tree\/([\w.-]+))?\/?$/.exec(page?.pathname ?? '');
  if (!page || !match || page.search || page.hash)
    throw new Error(`"${url}" is no model's page; it looks like https://hub.example/OWNER/NAME.`);
  const [, path, owner, name, revision = 'main'] = match as unknown as [string, string, string, string, string?];
  if ([owner, name].some((part) => part.startsWith('.'))) throw new Error(`"${url}" is no model's page.`);
  if (mirror !== undefined && !URL.canParse(mirror)) throw new Error(`The mirror "${mirror}" is no address.`);
  const hub = mirror === undefined ? new URL(page.origin + path) : new URL(mirror);
  checkAddress(hub);
  return { base: (hub.origin + hub.pathname).replace(/\/+$/, ''), owner, name, revision };
}

function entries(text: string, address: string): { path: string; size: number; hash: RemoteFile['hash'] }[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list)) throw new RemoteFailure(`${address} gave no list of files. Is it the address of a hub?`);
  return list.flatMap((entry) => {
    const { type, path, size, oid, lfs } = Object(entry) as Record<string, unknown>;
    if (type !== 'file' || typeof path !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0) return [];
    const { oid: sha256 } = Object(lfs) as Record<string, unknown>;
    const hash =
      typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
        ? { kind: 'sha256' as const, hex: sha256 }
        : typeof oid === 'string' && /^[0-9a-f]{40}$/.test(oid)
          ? { kind: 'git-sha1' as const, hex: oid }
          : undefined;
    if (!hash) throw new RemoteFailure(`${address} gives no hash for ${path}, so it cannot be checked.`);
    return [{ path, size: size as number, hash }];
  });
}
