/** The command that puts a report about this installation on the clipboard; whoever sends it reads it first. */
import { arch, availableParallelism, cpus, homedir, platform, release, totalmem } from 'node:os';
import { commands, type Disposable, type ExtensionContext, env, l10n, version, window, workspace } from 'vscode';
import type { StatusParams } from '../language-server/protocol.ts';
import { diagnosticsReport } from './diagnostics-report.ts';

export function registerDiagnostics(context: ExtensionContext, status: () => StatusParams | undefined): Disposable {
  return commands.registerCommand('cloze.copyDiagnostics', async () => {
    const manifest = context.extension.packageJSON as Manifest;
    await env.clipboard.writeText(
      diagnosticsReport({
        versions: { Cloze: manifest.version, [env.appName]: version, Node: process.versions.node },
        machine: {
          system: `${platform()} ${release()} ${arch()}`,
          processor: cpus()[0]?.model ?? '',
          threads: availableParallelism(),
          'memory, GB': Math.round(totalmem() / 2 ** 30),
          language: env.language,
          remote: env.remoteName ?? 'none',
        },
        status: status(),
        settings: changedSettings(manifest),
        languages: openLanguages(),
        trusted: workspace.isTrusted,
        home: homedir(),
      }),
    );
    const show = l10n.t('Show');
    const told = l10n.t('The diagnostics are on the clipboard. They hold no text of your files.');
    if ((await window.showInformationMessage(told, show)) === show) {
      const content = await env.clipboard.readText();
      await window.showTextDocument(await workspace.openTextDocument({ content, language: 'markdown' }));
    }
  });
}

interface Manifest {
  version: string;
  contributes: { configuration: Configuration | Configuration[] };
}

interface Configuration {
  properties: Record<string, { default: unknown }>;
}

function changedSettings({ contributes }: Manifest): Record<string, unknown> {
  const settings = workspace.getConfiguration();
  const properties = [contributes.configuration].flat().flatMap((page) => Object.entries(page.properties));
  const all = properties.map(([name, { default: standard }]) => {
    const value: unknown = settings.get(name);
    return JSON.stringify(value) === JSON.stringify(standard) ? [] : [[name, value] as const];
  });
  return Object.fromEntries(all.flat());
}

function openLanguages(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { languageId } of workspace.textDocuments) counts[languageId] = (counts[languageId] ?? 0) + 1;
  return counts;
}
