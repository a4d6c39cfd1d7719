/** A model from a hub: only where the user says so, address by address, with the offline lock opened by the user too. */
import { ConfigurationTarget, l10n, ProgressLocation, window, workspace } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  DOWNLOAD_MODEL_METHOD,
  DOWNLOADING_METHOD,
  type DownloadModelParams,
  type DownloadProgress,
  type NamedModel,
} from '../../language-server/protocol.ts';
import { offerUse } from './actions.ts';
import { bytesInWords } from './words.ts';

let downloads = 0;

export async function download(client: LanguageClient): Promise<void> {
  const url = await window.showInputBox({
    title: l10n.t('Download a Model'),
    prompt: l10n.t('Page of a GLM model on a hub. Nothing is sent before you confirm.'),
    placeHolder: 'https://hub.example/OWNER/NAME',
    ignoreFocusOut: true,
    validateInput: (value) =>
      isPage(value.trim()) ? undefined : l10n.t("A model's page looks like https://hub.example/OWNER/NAME."),
  });
  if (url === undefined || !(await consent(url.trim()))) return;
  const installed = await fetchModel(client, url.trim());
  if (installed) await offerUse(client, installed);
}

function isPage(value: string): boolean {
  return (
    URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).pathname.split('/').length > 2
  );
}

/** Says where Cloze will connect to, and that it is offline until then. */
async function consent(url: string): Promise<boolean> {
  const settings = workspace.getConfiguration('cloze');
  const mirror = settings.get('model.mirror', '').trim();
  const { host } = new URL(URL.canParse(mirror) ? mirror : url);
  const offline = settings.get('offline', true);
  const yes = offline ? l10n.t('Allow Connections and Download') : l10n.t('Download');
  const files = l10n.t(
    'Cloze connects to {0} and loads the files of the model, each checked against the hash in the list there. No text of yours is sent.',
    host,
  );
  const lock = l10n.t('Cloze is offline now: cloze.offline is set to false, and stays so until you set it again.');
  const chosen = await window.showWarningMessage(
    l10n.t('Download {0} from {1}?', new URL(url).pathname.replace(/^\//, ''), host),
    { modal: true, detail: offline ? `${files}\n\n${lock}` : files },
    yes,
  );
  if (chosen !== yes) return false;
  if (offline) await settings.update('offline', false, ConfigurationTarget.Global);
  return true;
}

/** Undefined when the user stopped it. */
async function fetchModel(client: LanguageClient, url: string): Promise<NamedModel | undefined> {
  const id = `download-${++downloads}`;
  const options = { location: ProgressLocation.Notification, title: l10n.t('Downloading a model'), cancellable: true };
  return window.withProgress(options, async (progress, stopped) => {
    let shown = 0;
    const listener = client.onNotification(DOWNLOADING_METHOD, (told: DownloadProgress) => {
      if (told.id !== id) return;
      const share = Math.floor((100 * told.done) / Math.max(1, told.all));
      const message = l10n.t('{0}: {1} of {2}', told.file, bytesInWords(told.done), bytesInWords(told.all));
      progress.report({ increment: share - shown, message });
      shown = share;
    });
    try {
      const params: DownloadModelParams = { id, url };
      return await client.sendRequest<NamedModel>(DOWNLOAD_MODEL_METHOD, params, stopped);
    } catch (error) {
      if (!stopped.isCancellationRequested) throw error;
      void window.showInformationMessage(l10n.t('The download was stopped. Asked for again, it goes on where it was.'));
      return undefined;
    } finally {
      listener.dispose();
    }
  });
}
