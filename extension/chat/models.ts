/** The models there are to talk to, the one that is chosen for this workspace, and how to get another. */
import {
  ConfigurationTarget,
  commands,
  Disposable,
  EventEmitter,
  type ExtensionContext,
  l10n,
  type QuickPickItem,
  window,
  workspace,
} from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { CHAT_MODELS_METHOD, type ChatModelInfo, type ChatModelsResult } from '../../language-server/protocol.ts';
import { keyName } from './answers.ts';

const CHOICE = 'cloze.chat.model';
/** The client's state `Running`. */
const RUNNING = 2;

export interface Models extends Disposable {
  /** As they were last listed. */
  readonly all: readonly ChatModelInfo[];
  /** The chosen one, else one that converses, else the first. */
  readonly current: ChatModelInfo | undefined;
  /** Why some are missing. */
  readonly problem: string | undefined;
  onDidChange: EventEmitter<void>['event'];
  refresh(): Promise<void>;
  /** Resolves when they have been listed once. */
  ready(): Promise<void>;
  /** Lets the user choose. */
  choose(): Promise<void>;
}

export function createModels(context: ExtensionContext, client: Promise<LanguageClient>): Models {
  const changed = new EventEmitter<void>();
  let listed: ChatModelsResult = { models: [] };
  let first: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    try {
      listed = await (await client).sendRequest<ChatModelsResult>(CHAT_MODELS_METHOD);
    } catch (error) {
      listed = { models: [], problem: error instanceof Error ? error.message : String(error) };
    }
    changed.fire();
  }

  function current(): ChatModelInfo | undefined {
    const { models } = listed;
    const chosen = context.workspaceState.get<string>(CHOICE);
    return models.find(({ id }) => id === chosen) ?? models.find(({ does }) => does === 'chat') ?? models[0];
  }

  async function choose(): Promise<void> {
    await refresh();
    const items: (QuickPickItem & { model?: ChatModelInfo; run?: () => unknown })[] = [
      ...listed.models.map((model) => ({
        label: `${model.remote ? '$(cloud)' : '$(device-desktop)'} ${model.name}`,
        description: model.place,
        detail: model.does === 'chat' ? l10n.t('Answers questions') : l10n.t('Fills blanks; does not answer questions'),
        picked: model.id === current()?.id,
        model,
      })),
      { label: `$(plug) ${l10n.t('Connect a Server…')}`, run: () => connect(context) },
      {
        label: `$(folder) ${l10n.t('Choose a Model Folder…')}`,
        run: () => commands.executeCommand('workbench.action.openSettings', 'cloze.model.path'),
      },
    ];
    const title = l10n.t('Model for the Chat');
    const chosen = await window.showQuickPick(items, {
      title,
      ...(listed.problem !== undefined && { placeHolder: listed.problem }),
    });
    if (chosen?.run) await chosen.run();
    if (!chosen?.model) return;
    await context.workspaceState.update(CHOICE, chosen.model.id);
    changed.fire();
  }

  const watching = client.then((started) =>
    started.onDidChangeState(({ newState }) => {
      if (newState === RUNNING) void refresh();
    }),
  );
  const settings = workspace.onDidChangeConfiguration((event) => {
    const ours = ['cloze.chat.server', 'cloze.offline', 'cloze.model.path', 'cloze.enable'];
    if (ours.some((section) => event.affectsConfiguration(section))) void refresh();
  });
  const connecting = commands.registerCommand('cloze.chat.connect', () => connect(context));
  return {
    get all() {
      return listed.models;
    },
    get current() {
      return current();
    },
    get problem() {
      return listed.problem;
    },
    onDidChange: changed.event,
    refresh,
    ready() {
      first ??= refresh();
      return first;
    },
    choose,
    dispose() {
      void watching.then((each) => each.dispose());
      Disposable.from(changed, settings, connecting).dispose();
    },
  };
}

/** Asks for the address and, where there is one, the key of a server. The key is kept by the editor's secret storage. */
async function connect({ secrets }: ExtensionContext): Promise<void> {
  const settings = workspace.getConfiguration('cloze.chat');
  const url = await window.showInputBox({
    title: l10n.t('Connect a Server'),
    prompt: l10n.t(
      "Address of an OpenAI-compatible server, such as vLLM, SGLang or llama.cpp's. What you ask is sent there.",
    ),
    value: settings.get('server', ''),
    placeHolder: 'http://127.0.0.1:8000',
    ignoreFocusOut: true,
    validateInput: (value) =>
      value.trim() === '' || isWebAddress(value.trim())
        ? undefined
        : l10n.t('An address begins with http:// or https://, such as http://127.0.0.1:8000.'),
  });
  if (url === undefined) return;
  if (url.trim() !== '') {
    const { origin } = new URL(url.trim());
    const key = await window.showInputBox({
      title: l10n.t('Key of {0}', origin),
      prompt: l10n.t(
        'Empty if it needs none. It is kept in the secret storage of the editor and sent to {0} only.',
        origin,
      ),
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return;
    if (key.trim() === '') await secrets.delete(keyName(origin));
    else await secrets.store(keyName(origin), key.trim());
  }
  await settings.update('server', url.trim(), ConfigurationTarget.Global);
  if (url.trim() !== '') await offerConnection();
}

/** A server is of no use while the offline lock is on; only the user opens it. */
async function offerConnection(): Promise<void> {
  const settings = workspace.getConfiguration('cloze');
  if (!settings.get('offline', true)) return;
  const allow = l10n.t('Allow Connections');
  const chosen = await window.showInformationMessage(
    l10n.t('Cloze is offline (cloze.offline), so the server cannot be reached yet.'),
    allow,
  );
  if (chosen === allow) await settings.update('offline', false, ConfigurationTarget.Global);
}

function isWebAddress(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
