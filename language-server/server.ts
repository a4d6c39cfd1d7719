/**
 * The language server on a given connection: LSP 3.18 inline completion for all open documents. What it needs of a
 * model is handed in, so that it can be driven without one. Any LSP client may use it with a bare `initialize`.
 */
import {
  type CancellationToken,
  type Connection,
  DidChangeConfigurationNotification,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  PositionEncodingKind,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { ChatPiece } from '../engine/chat/chat-model.ts';
import { createChat } from './chat/chat.ts';
import { createPipeline } from './completion/pipeline.ts';
import { createEngineHost, type LoadEngine } from './engine-host.ts';
import { createFiller } from './fill/filler.ts';
import { createLog } from './log.ts';
import { relativePath } from './paths.ts';
import {
  CHAT_METHOD,
  CHAT_MODELS_METHOD,
  CHAT_TEXT_METHOD,
  FILL_METHOD,
  LENS_METHOD,
  type LensParams,
  RELOAD_METHOD,
  REMOTE_KEY_METHOD,
  STATUS_METHOD,
  type StatusParams,
  TRACE_METHOD,
  TRACED_METHOD,
} from './protocol.ts';
import { checkSettings, defaultSettings } from './settings.ts';

export interface ServerParts {
  load: LoadEngine;
  /** Folder of the model that is used when the settings name none. */
  embeddedModel: string;
  version: string;
}

export function serve(connection: Connection, { load, embeddedModel, version }: ServerParts): void {
  const log = createLog(connection.console);
  const documents = new TextDocuments(TextDocument);
  const told = {
    status: (status: StatusParams) => void connection.sendNotification(STATUS_METHOD, status),
    traced: () => void connection.sendNotification(TRACED_METHOD),
  };
  const host = createEngineHost(load, told, log);
  let settings = defaultSettings;
  let initial: unknown;
  let roots: string[] = [];
  let pulls = false;
  let registers = false;
  let followsFolders = false;
  /** Settles when the first settings are in force; a request that comes earlier waits for them. */
  let configured = Promise.resolve();

  const pathOf = (uri: string) => relativePath(uri, roots);
  const pipeline = createPipeline({ documents, host, settings: () => settings, pathOf, log });

  const filler = createFiller({ documents, host, settings: () => settings, pathOf, log });

  /** A client that has no keys knows nothing of the request. */
  async function keyOf(origin: string): Promise<string | undefined> {
    const key: unknown = await connection.sendRequest(REMOTE_KEY_METHOD, { origin }).catch(() => undefined);
    return typeof key === 'string' && key !== '' ? key : undefined;
  }

  const chat = createChat({ host, settings: () => settings, keyOf, log });

  function apply(given: unknown): void {
    const checked = checkSettings(given);
    settings = checked.settings;
    log.level = settings.log.level;
    for (const problem of checked.problems) log.error(problem);
    pipeline.clear();
    const modelFolder = settings.model.path || embeddedModel;
    host.use(settings.enable ? { modelFolder, threads: settings.threads } : undefined);
  }

  /** Settings are asked of the client if it can be asked; else they are what `pushed` or `initialize` gave. */
  async function refresh(pushed?: unknown): Promise<void> {
    let given = pushed;
    if (pulls) {
      try {
        given = await connection.workspace.getConfiguration('cloze');
      } catch (error) {
        log.error(`The client did not give its settings: ${error instanceof Error ? error.message : error}`);
      }
    }
    apply(given ?? initial);
  }

  connection.onInitialize((params: InitializeParams): InitializeResult => {
    initial = params.initializationOptions;
    roots = params.workspaceFolders?.map((folder) => folder.uri) ?? (params.rootUri ? [params.rootUri] : []);
    pulls = params.capabilities.workspace?.configuration === true;
    registers = params.capabilities.workspace?.didChangeConfiguration?.dynamicRegistration === true;
    followsFolders = params.capabilities.workspace?.workspaceFolders === true;
    return {
      capabilities: {
        // The one encoding that every client must support, and the one the documents are held in.
        positionEncoding: PositionEncodingKind.UTF16,
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        inlineCompletionProvider: {},
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
      serverInfo: { name: 'Cloze', version },
    };
  });

  connection.onInitialized(() => {
    configured = refresh();
    if (registers) void connection.client.register(DidChangeConfigurationNotification.type, { section: 'cloze' });
    if (followsFolders) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map((folder) => folder.uri));
        roots = [...roots.filter((uri) => !gone.has(uri)), ...added.map((folder) => folder.uri)];
      });
    }
  });

  connection.onDidChangeConfiguration(({ settings: pushed }) => void refresh(clozeSection(pushed)));
  connection.onNotification(RELOAD_METHOD, () => {
    pipeline.clear();
    host.reload();
  });

  connection.onNotification(LENS_METHOD, (params: Partial<LensParams> | null) => host.watch(params?.open === true));
  connection.onRequest(TRACE_METHOD, () => host.trace() ?? null);

  connection.languages.inlineCompletion.on(async (params, token) => {
    const signal = signalOf(token);
    await configured;
    const items = await pipeline.complete(params, signal);
    return token.isCancellationRequested ? new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled') : items;
  });

  connection.onRequest(FILL_METHOD, async (params: unknown, token) => {
    await configured;
    return filler.fill(params, signalOf(token));
  });
  connection.onRequest(CHAT_MODELS_METHOD, async (token: CancellationToken) => {
    await configured;
    return chat.models(signalOf(token));
  });
  connection.onRequest(CHAT_METHOD, async (params: unknown, token) => {
    const tell = (id: string, piece: ChatPiece) => void connection.sendNotification(CHAT_TEXT_METHOD, { id, ...piece });
    await configured;
    return chat.answer(params, tell, signalOf(token));
  });

  documents.onDidClose(({ document }) => pipeline.forget(document.uri));
  connection.onShutdown(() => host.dispose());
  documents.listen(connection);
  connection.listen();
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}

/** Clients push either all settings or the section alone. */
function clozeSection(pushed: unknown): unknown {
  if (typeof pushed !== 'object' || pushed === null) return undefined;
  return 'cloze' in pushed ? pushed.cloze : pushed;
}
