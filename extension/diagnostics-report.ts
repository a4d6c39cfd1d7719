/** What a report about a fault may hold: versions, settings, states and numbers; no text of documents, no file names. */
import type { StatusParams } from '../language-server/protocol.ts';

export interface DiagnosticFacts {
  /** `name: value` of each program. */
  versions: Record<string, string>;
  machine: Record<string, string | number>;
  status: StatusParams | undefined;
  /** Settings that differ from their defaults. */
  settings: Record<string, unknown>;
  /** Open documents by language id. */
  languages: Record<string, number>;
  trusted: boolean;
  /** Folders of the user, which are written as `~`: they hold names. */
  home: string;
}

export function diagnosticsReport({
  versions,
  machine,
  status,
  settings,
  languages,
  trusted,
  home,
}: DiagnosticFacts): string {
  const list = (values: Record<string, unknown>) =>
    Object.entries(values).map(
      ([name, value]) => `- ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
  const { state, model, device, message, lastLatency } = status ?? { state: 'unknown' };
  const known = Object.entries({
    state,
    model,
    device,
    message,
    'last call, ms': lastLatency && Math.round(lastLatency),
  });
  const sections: [string, Record<string, unknown>][] = [
    ['Versions', versions],
    ['Machine', machine],
    ['Model', Object.fromEntries(known.filter(([, value]) => value !== undefined && value !== ''))],
    ['Settings that are not the default', settings],
    ['Open documents by language', languages],
    ['Workspace', { trusted }],
  ];
  const text = sections.map(([title, values]) => [`### ${title}`, ...list(values)].join('\n')).join('\n\n');
  return `${home.length > 1 ? text.replaceAll(home, '~').replaceAll(home.replaceAll('\\', '\\\\'), '~') : text}\n`;
}
