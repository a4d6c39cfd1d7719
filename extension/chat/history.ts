/** The conversations of a workspace, one file each, written aside and renamed. They never leave the machine. */
import { FileSystemError, type LogOutputChannel, Uri, workspace } from 'vscode';
import { type Conversation, changedAt, restored } from './conversation.ts';

export interface History {
  /** Newest first. */
  all(): Promise<Conversation[]>;
  /** Writes soon; what is written in quick succession is written once. */
  save(conversation: Conversation): void;
  remove(id: string): Promise<void>;
  /** Writes what waits. */
  flush(): Promise<void>;
}

/** Milliseconds in which changes are gathered. */
const DELAY = 400;

export function createHistory(folder: Uri, output: LogOutputChannel): History {
  let loaded: Promise<Map<string, Conversation>> | undefined;
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  /** Writes follow each other. */
  let writing: Promise<void> = Promise.resolve();

  const fileOf = (id: string) => Uri.joinPath(folder, `${id}.json`);

  function conversations(): Promise<Map<string, Conversation>> {
    loaded ??= read(folder, output);
    return loaded;
  }

  async function write(id: string): Promise<void> {
    const conversation = (await conversations()).get(id);
    if (!conversation) return;
    const aside = Uri.joinPath(folder, `${id}.partial`);
    try {
      await workspace.fs.createDirectory(folder);
      await workspace.fs.writeFile(aside, new TextEncoder().encode(JSON.stringify(conversation)));
      await workspace.fs.rename(aside, fileOf(id), { overwrite: true });
    } catch (error) {
      output.error(`The conversation could not be kept in ${folder.fsPath}: ${reasonOf(error)}`);
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const ids = [...waiting];
    waiting.clear();
    for (const id of ids) writing = writing.then(() => write(id));
    return writing;
  }

  return {
    all: async () => [...(await conversations()).values()].toSorted((a, b) => changedAt(b) - changedAt(a)),
    save(conversation) {
      void conversations().then((all) => all.set(conversation.id, conversation));
      waiting.add(conversation.id);
      timer ??= setTimeout(() => void flush(), DELAY);
    },
    async remove(id) {
      (await conversations()).delete(id);
      waiting.delete(id);
      await writing;
      try {
        await workspace.fs.delete(fileOf(id));
      } catch (error) {
        if (!(error instanceof FileSystemError && error.code === 'FileNotFound')) throw error;
      }
    },
    flush,
  };
}

async function read(folder: Uri, output: LogOutputChannel): Promise<Map<string, Conversation>> {
  const found = new Map<string, Conversation>();
  let entries: [string, unknown][] = [];
  try {
    entries = await workspace.fs.readDirectory(folder);
  } catch {
    // Nothing was kept here yet.
  }
  for (const [name] of entries.filter(([name]) => name.endsWith('.json'))) {
    try {
      const bytes = await workspace.fs.readFile(Uri.joinPath(folder, name));
      const conversation = restored(JSON.parse(new TextDecoder().decode(bytes)));
      if (conversation) found.set(conversation.id, conversation);
      else output.warn(`${name} in ${folder.fsPath} is no conversation and is left alone.`);
    } catch (error) {
      output.warn(`${name} in ${folder.fsPath} could not be read and is left alone: ${reasonOf(error)}`);
    }
  }
  return found;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
