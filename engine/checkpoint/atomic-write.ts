/**
 * Writes a file aside, forces it to the disk and renames it into place, so that a reader finds the old file or the new
 * one and never a part. When anything fails, a full disk included, the old file stays and the part is removed.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** `write` fills the new file through its handle. Throws with the path and what to do when the disk is full. */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const aside = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(aside, 'wx');
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw explained(error, path);
  }
  await syncFolder(dirname(path));
}

/** Writes text or bytes whole. */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await writeAtomically(path, (file) => file.writeFile(content));
}

/** Makes the rename itself durable; Windows cannot open a folder and does not need it. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function explained(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `The disk is full: ${path} was not written, and what was there before is untouched. Free some space and try again.`;
    return Object.assign(new Error(message, { cause: error }), { code });
  }
  return error;
}
