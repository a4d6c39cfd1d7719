/** Plays an edit script on a language server as an editor would: each change is followed by a request. */
import { setTimeout } from 'node:timers/promises';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { MEASURED_METHOD } from '../../../language-server/protocol.ts';
import type { Client } from '../../server/client.ts';
import { lengthOfKey, rightPart } from '../golf/typist.ts';
import type { Script, Stretch } from './script.ts';

/** One change of the document and the answer to the request that followed. */
export interface Keystroke {
  /** From sending the change to having the answer. */
  milliseconds: number;
  /** Whether there was a suggestion. */
  shown: boolean;
  /** Calls of the model that ended meanwhile. */
  calls: number;
  /** Characters of the suggestion that were taken. */
  accepted: number;
  /** The change was a suggestion that was taken. */
  taking: boolean;
}

export interface Player {
  play(script: Script): Promise<Keystroke[]>;
}

export interface Habits {
  /** Milliseconds for which the person looks at a suggestion before anything else is done. */
  look?: number;
  /** Documents that stay open; the oldest is closed for another one. */
  tabs?: number;
}

export function createPlayer(client: Client, { look = 0, tabs = Number.POSITIVE_INFINITY }: Habits = {}): Player {
  const open: string[] = [];
  let calls = 0;
  let opened = 0;
  client.connection.onNotification(MEASURED_METHOD, () => {
    calls++;
  });

  async function writeStretch({ at, text, slips }: Stretch, document: Writing): Promise<Keystroke[]> {
    const strokes: Keystroke[] = [];
    const due = slips.map((slip) => ({ ...slip }));
    for (let done = 0; done < text.length; ) {
      while (due[0] && due[0].after < done) due.shift();
      const slip = due[0]?.after === done ? due.shift() : undefined;
      if (slip) {
        strokes.push(strokeOf(await document.change(at + done, 0, slip.key)));
        strokes.push(strokeOf(await document.change(at + done, slip.key.length, '')));
      }
      const key = lengthOfKey(text.slice(done));
      const { suggestion, ...timed } = await document.change(at + done, 0, text.slice(done, done + key));
      done += key;
      const { length } = rightPart(suggestion, text.slice(done));
      strokes.push({ ...timed, shown: suggestion !== '', accepted: length, taking: false });
      if (suggestion !== '' && look > 0) await setTimeout(look);
      if (length === 0) continue;
      const taken = await document.change(at + done, 0, text.slice(done, done + length));
      strokes.push({ ...strokeOf(taken), taking: true });
      done += length;
    }
    return strokes;
  }

  /** A document in the server; the cursor stands after every change. */
  interface Writing {
    change(at: number, removed: number, inserted: string): Promise<Answered>;
  }

  async function openDocument({ path, language, text }: Script): Promise<Writing> {
    const uri = await client.open(text, `file:///project/${opened++}/${encodeURI(path)}`, language);
    open.push(uri);
    if (open.length > tabs)
      await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri: open.shift() } });
    let document = TextDocument.create(uri, language, 1, text);
    return {
      async change(at, removed, inserted) {
        const start = document.positionAt(at);
        const end = document.positionAt(at + removed);
        const whole = document.getText();
        document = TextDocument.create(uri, language, 1, whole.slice(0, at) + inserted + whole.slice(at + removed));
        const cursor = document.positionAt(at + inserted.length);
        const [before, started] = [calls, performance.now()];
        await client.edit(uri, start.line, start.character, end.character, inserted);
        const [item] = await client.complete(uri, cursor.line, cursor.character);
        const milliseconds = performance.now() - started;
        // What replaces text right of the cursor is not taken: then nothing has to be deleted.
        const plain = item?.range?.start.character === item?.range?.end.character;
        const suggestion = plain && typeof item?.insertText === 'string' ? item.insertText : '';
        return { milliseconds, suggestion, calls: calls - before };
      },
    };
  }

  return {
    async play(script) {
      const document = await openDocument(script);
      const strokes: Keystroke[] = [];
      for (const stretch of script.stretches) strokes.push(...(await writeStretch(stretch, document)));
      return strokes;
    },
  };
}

interface Answered {
  milliseconds: number;
  suggestion: string;
  calls: number;
}

function strokeOf({ suggestion, ...timed }: Answered): Keystroke {
  return { ...timed, shown: suggestion !== '', accepted: 0, taking: false };
}
