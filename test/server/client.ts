/** A small LSP client on the protocol library: starts a server process, speaks to it, notes what it says. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createProtocolConnection,
  type InitializeResult,
  type InlineCompletionItem,
  type InlineCompletionList,
  IPCMessageReader,
  IPCMessageWriter,
  type LogMessageParams,
  type ProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';
import { STATUS_METHOD, type StatusParams } from '../../language-server/protocol.ts';
import { CALLS_METHOD, type Calls, SCRIPT_METHOD, SCRIPTED_SERVER, type Script } from './script.ts';

export type Transport = 'stdio' | 'node-ipc';

export interface Client {
  connection: ProtocolConnection;
  process: ChildProcess;
  capabilities: InitializeResult['capabilities'];
  logs: LogMessageParams[];
  statuses: StatusParams[];
  /** Resolves with the first status that fits, also one from before the call. */
  status(state: StatusParams['state']): Promise<StatusParams>;
  /** Resolves when the server next sends a notification without parameters. */
  next(method: string): Promise<void>;
  script(script: Script): Promise<void>;
  calls(): Promise<Calls>;
  open(text: string, uri?: string, languageId?: string): Promise<string>;
  /** Replaces the text between two offsets on one line. */
  edit(uri: string, line: number, from: number, to: number, text: string): Promise<void>;
  complete(uri: string, line: number, character: number): Promise<InlineCompletionItem[]>;
  /** `shutdown` and `exit`; resolves with the exit code. */
  close(): Promise<number | null>;
}

export interface ClientOptions {
  transport?: Transport;
  server?: string;
  initializationOptions?: unknown;
  capabilities?: object;
  /** Address of the workspace. */
  rootUri?: string;
  script?: Script;
  /** Answers workspace/configuration. */
  configuration?: () => unknown;
  /** Put over this process's environment. */
  env?: Record<string, string>;
}

export async function startClient(options: ClientOptions = {}): Promise<Client> {
  const { transport = 'stdio', server = SCRIPTED_SERVER } = options;
  const process = launch(server, transport, options.env);
  const connection = connect(process, transport);
  const logs: LogMessageParams[] = [];
  const statuses: StatusParams[] = [];
  const waiting: { state: string; resolve(status: StatusParams): void }[] = [];
  let version = 1;

  connection.onNotification('window/logMessage', (line: LogMessageParams) => void logs.push(line));
  connection.onNotification(STATUS_METHOD, (status: StatusParams) => {
    statuses.push(status);
    for (const wait of waiting.splice(0)) {
      if (wait.state === status.state) wait.resolve(status);
      else waiting.push(wait);
    }
  });
  connection.onRequest('workspace/configuration', () => [options.configuration?.() ?? null]);
  connection.onRequest('client/registerCapability', () => null);
  // What is still unanswered when the server dies is rejected, as editors do it.
  connection.onClose(() => connection.dispose());
  connection.listen();

  const { capabilities } = await connection.sendRequest<InitializeResult>('initialize', {
    processId: globalThis.process.pid,
    rootUri: options.rootUri ?? 'file:///project',
    capabilities: options.capabilities ?? {},
    initializationOptions: options.initializationOptions,
  });
  if (options.script) await connection.sendNotification(SCRIPT_METHOD, options.script);
  await connection.sendNotification('initialized', {});

  return {
    connection,
    process,
    capabilities,
    logs,
    statuses,
    status: async (state) =>
      statuses.find((status) => status.state === state) ??
      (await new Promise<StatusParams>((resolve) => waiting.push({ state, resolve }))),
    next: (method) =>
      new Promise((resolve) => {
        const listener = connection.onNotification(method, () => {
          listener.dispose();
          resolve();
        });
      }),
    script: (script) => connection.sendNotification(SCRIPT_METHOD, script),
    calls: () => connection.sendRequest<Calls>(CALLS_METHOD),
    async open(text, uri = 'file:///project/source.ts', languageId = 'typescript') {
      await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId, version, text } });
      return uri;
    },
    edit: (uri, line, from, to, text) =>
      connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version: ++version },
        contentChanges: [{ range: { start: { line, character: from }, end: { line, character: to } }, text }],
      }),
    complete: async (uri, line, character) => itemsOf(await connection.sendRequest(request, at(uri, line, character))),
    async close() {
      const exited = once(process, 'exit');
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      const [code] = await exited;
      return code;
    },
  };
}

export const request = 'textDocument/inlineCompletion';

export function at(uri: string, line: number, character: number) {
  return { textDocument: { uri }, position: { line, character }, context: { triggerKind: 2 } };
}

export function itemsOf(answer: unknown): InlineCompletionItem[] {
  if (answer === null) return [];
  return Array.isArray(answer) ? answer : (answer as InlineCompletionList).items;
}

function launch(server: string, transport: Transport, own: Record<string, string> = {}): ChildProcess {
  const env = { ...globalThis.process.env, ...own };
  return transport === 'stdio'
    ? spawn(globalThis.process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'], env })
    : fork(server, ['--node-ipc'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [], env });
}

function connect(child: ChildProcess, transport: Transport): ProtocolConnection {
  if (transport === 'node-ipc')
    return createProtocolConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  if (!child.stdout || !child.stdin) throw new Error('The server was started without pipes.');
  return createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
}
