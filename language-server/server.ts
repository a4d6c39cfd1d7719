/**
 * The language server on a given connection: LSP 3.18 inline completion for all open documents. What it needs of a
 * model is handed in, so that it can be driven without one. Any LSP client may use it with a bare `initialize`.
 */
import { isAbsolute } from 'node:path';
import {
  type CancellationToken,
  type Connection,
  DidChangeConfigurationNotification,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  MessageType,
  PositionEncodingKind,
  ResponseError,
  ShowMessageNotification,
  TextDocumentSyncKind,
} from 'vscode-languageserver';
import type { ChatPiece } from '../engine/chat/chat-model.ts';
import { lockOffline } from '../engine/remote/offline-lock.ts';
import { createChat } from './chat/chat.ts';
import { createAhead } from './completion/ahead.ts';
import { createLearning } from './completion/learning.ts';
import { createPipeline } from './completion/pipeline.ts';
import { chooseEncoding } from './encoded-document.ts';
import type { LoadEngine, ModelChoice } from './engine.ts';
import { messageOf } from './error-message.ts';
import { createFiller } from './fill/filler.ts';
import { createLog } from './log.ts';
import { createHosts } from './models/hosts.ts';
import { serveModels } from './models/models.ts';
import type { Shelf, UsedFolder } from './models/shelf.ts';
import { createOpenDocuments } from './open-documents.ts';
import { relativePath } from './paths.ts';
import {
  CHAT_METHOD,
  CHAT_MODELS_METHOD,
  CHAT_TEXT_METHOD,
  DECLARATIONS_METHOD,
  type EditorTask,
  FILL_METHOD,
  FORGET_METHOD,
  GATE_METHOD,
  INDENTATION_METHOD,
  type InitializationOptions,
  LENS_METHOD,
  type LensParams,
  MEASURED_METHOD,
  type MeasuredParams,
  OUTCOME_METHOD,
  RELOAD_METHOD,
  REMOTE_KEY_METHOD,
  REQUESTS_METHOD,
  SNOOZE_METHOD,
  STATUS_METHOD,
  type StatusParams,
  TRACE_METHOD,
  TRACED_METHOD,
  UNDONE_METHOD,
} from './protocol.ts';
import { checkSettings, defaultSettings } from './settings.ts';
import { serveTuning, type TuningParts } from './tuning/tuning.ts';

export interface ServerParts {
  load: LoadEngine;
  /** Folder of the model that is used when the settings name none. */
  embeddedModel: string;
  /** Folder of a model tuned on the workspace folder `root`, a URI, where one is in use; never rejects. */
  tunedModel?: (root: string) => Promise<string | undefined>;
  /** Tuning on a folder, and back to what was used there before. */
  tuning?: Pick<TuningParts, 'tuner' | 'rollBack'>;
  /** The installed models. */
  shelf: Shelf;
  version: string;
}

export function serve(connection: Connection, parts: ServerParts): void {
  const { load, embeddedModel, tunedModel, tuning, shelf, version } = parts;
  // Until the settings are known.
  lockOffline(true);
  const log = createLog(connection.console);
  let encoding: PositionEncodingKind = PositionEncodingKind.UTF16;
  const told = {
    status: (status: StatusParams) => void connection.sendNotification(STATUS_METHOD, status),
    measured: (timings: MeasuredParams) => void connection.sendNotification(MEASURED_METHOD, timings),
    traced: () => void connection.sendNotification(TRACED_METHOD),
    warning: (message: string) =>
      void connection.sendNotification(ShowMessageNotification.type, {
        type: MessageType.Warning,
        message: `Cloze: ${message}`,
      }),
  };
  const hosts = createHosts(load, told, log);
  let settings = defaultSettings;
  let initial: unknown;
  let roots: string[] = [];
  let tuned: Promise<string | undefined> | undefined;
  let used: Record<EditorTask, ModelChoice> | undefined;
  let others: UsedFolder[] = [];
  let pulls = false;
  let registers = false;
  let followsFolders = false;
  /** Settles when the first settings are in force; a request that comes earlier waits for them. */
  let configured = Promise.resolve();

  const pathOf = (uri: string) => relativePath(uri, roots);
  const open = createOpenDocuments(() => encoding, pathOf);
  const { documents, quiet, neighbours, around, indentation } = open;
  const learning = createLearning(() => settings, log);
  const pipeline = createPipeline({
    documents,
    host: hosts.inline,
    settings: () => settings,
    pathOf,
    quiet,
    learning,
    neighbours,
    around,
    indentation,
    ahead: createAhead(log),
    log,
  });

  const filler = createFiller({ ...open, host: hosts.fill, settings: () => settings, pathOf, log });

  /** A client that has no keys knows nothing of the request. */
  async function keyOf(origin: string): Promise<string | undefined> {
    const key: unknown = await connection.sendRequest(REMOTE_KEY_METHOD, { origin }).catch(() => undefined);
    return typeof key === 'string' && key !== '' ? key : undefined;
  }

  const chat = createChat({ host: hosts.chat, settings: () => settings, keyOf, log });

  function apply(given: unknown): void {
    const checked = checkSettings(given);
    settings = checked.settings;
    log.level = settings.log.level;
    lockOffline(settings.offline);
    for (const problem of checked.problems) log.error(problem);
    pipeline.clear();
    hosts.unloadAfter(settings.unloadAfter * 60_000);
  }

  /** Folders by task: what the settings name, else the chosen default, else the one tuned on the workspace, else ours. */
  async function useModels(): Promise<void> {
    const { path, runtime } = settings.model;
    const chosen = await shelf.defaults().catch((error: Error) => {
      log.error(error.message);
      return {} as Awaited<ReturnType<Shelf['defaults']>>;
    });
    // Looked for once, and when it changed. Of several folders the first decides: all share one model.
    if (roots[0] !== undefined) tuned ??= tunedModel?.(roots[0]);
    const tunedHere = await tuned;
    const choice = (task: EditorTask): ModelChoice => ({
      modelFolder: path || chosen[task] || tunedHere || embeddedModel,
      threads: settings.threads,
      runtime,
    });
    used = { inline: choice('inline'), fill: choice('fill'), chat: choice('chat') };
    others = [
      ...(path === '' ? [] : [{ folder: path, origin: 'setting' as const }]),
      ...(tunedHere === undefined ? [] : [{ folder: tunedHere, origin: 'tuned' as const }]),
    ];
    hosts.use(settings.enable ? used : undefined);
  }

  /** Settings are asked of the client if it can be asked; else they are what `pushed` or `initialize` gave. */
  async function refresh(pushed?: unknown): Promise<void> {
    let given = pushed;
    if (pulls) {
      try {
        given = await connection.workspace.getConfiguration('cloze');
      } catch (error) {
        log.error(`The client did not give its settings: ${messageOf(error)}`);
      }
    }
    apply(given ?? initial);
    await useModels();
  }

  connection.onInitialize((params: InitializeParams): InitializeResult => {
    initial = params.initializationOptions;
    encoding = chooseEncoding(params.capabilities.general?.positionEncodings);
    roots = params.workspaceFolders?.map((folder) => folder.uri) ?? (params.rootUri ? [params.rootUri] : []);
    pulls = params.capabilities.workspace?.configuration === true;
    registers = params.capabilities.workspace?.didChangeConfiguration?.dynamicRegistration === true;
    followsFolders = params.capabilities.workspace?.workspaceFolders === true;
    return {
      capabilities: {
        positionEncoding: encoding,
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        // Every notebook: which languages are completed in is a setting.
        notebookDocumentSync: { notebookSelector: [{ notebook: '*' }] },
        inlineCompletionProvider: {},
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
      serverInfo: { name: 'Cloze', version },
    };
  });

  connection.onInitialized(() => {
    const { outcomesFile } = (initial ?? {}) as InitializationOptions;
    configured = Promise.all([refresh(), isPath(outcomesFile) && learning.keepIn(outcomesFile)]).then(() => undefined);
    if (registers) void connection.client.register(DidChangeConfigurationNotification.type, { section: 'cloze' });
    if (followsFolders) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map((folder) => folder.uri));
        roots = [...roots.filter((uri) => !gone.has(uri)), ...added.map((folder) => folder.uri)];
      });
    }
  });

  connection.onDidChangeConfiguration(({ settings: pushed }) => {
    // What is asked for next is meant with the new settings.
    configured = configured.then(() => refresh(clozeSection(pushed)));
  });
  connection.onNotification(RELOAD_METHOD, () => {
    pipeline.clear();
    hosts.reload();
  });

  connection.onNotification(LENS_METHOD, (params: Partial<LensParams> | null) => hosts.watch(params?.open === true));
  connection.onRequest(TRACE_METHOD, () => hosts.trace() ?? null);

  connection.languages.inlineCompletion.on(async (params, token) => {
    const signal = signalOf(token);
    tuning?.tuner.keyCame();
    await configured;
    const items = await pipeline.complete(params, signal);
    return token.isCancellationRequested ? new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled') : items;
  });

  connection.onRequest(REQUESTS_METHOD, () => pipeline.requests());
  connection.onNotification(UNDONE_METHOD, quiet.undone);
  connection.onNotification(DECLARATIONS_METHOD, open.declarations.tell);
  connection.onNotification(INDENTATION_METHOD, open.indentations.tell);
  connection.onNotification(SNOOZE_METHOD, quiet.snooze);
  connection.onNotification(OUTCOME_METHOD, learning.outcome);
  connection.onNotification(FORGET_METHOD, learning.forget);
  connection.onRequest(GATE_METHOD, learning.state);

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

  serveModels(connection, {
    shelf,
    log,
    configured: () => configured,
    async list() {
      const folders = used && {
        inline: used.inline.modelFolder,
        fill: used.fill.modelFolder,
        chat: used.chat.modelFolder,
      };
      return { ...(await shelf.list(folders, others, settings.threads)), setting: settings.model.path };
    },
    async changed() {
      pipeline.clear();
      await useModels();
    },
    mirror: () => settings.model.mirror.trim(),
  });

  if (tuning) {
    const changed = async () => {
      tuned = undefined;
      pipeline.clear();
      await useModels();
    };
    serveTuning(connection, { ...tuning, log, changed });
  }

  documents.onDidChangeContent(() => tuning?.tuner.keyCame());
  documents.onDidClose(({ document }) => pipeline.forget(document.uri));
  connection.onShutdown(async () => {
    tuning?.tuner.dispose();
    await Promise.all([hosts.dispose(), learning.flush()]);
  });
  open.listen(connection);
  connection.listen();
}

/** Absolute: what it would be relative to is nobody's choice. */
function isPath(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value);
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
