/** Log lines to the client (window/logMessage), cut at the level the user chose. */
import type { RemoteConsole } from 'vscode-languageserver';
import type { LogLevel } from './protocol.ts';

export interface Log {
  level: LogLevel;
  error(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

const rank: Record<LogLevel, number> = { off: 0, error: 1, info: 2, debug: 3 };

export function createLog(console: Pick<RemoteConsole, 'error' | 'info' | 'debug'>): Log {
  const log: Log = {
    level: 'info',
    error: (message) => write('error', message),
    info: (message) => write('info', message),
    debug: (message) => write('debug', message),
  };
  function write(level: 'error' | 'info' | 'debug', message: string): void {
    if (rank[log.level] >= rank[level]) console[level](message);
  }
  return log;
}
