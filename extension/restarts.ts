/**
 * What happens when the language server's process ends by itself: it is started again, however often; unless it has ended
 * several times in a row before it ever had a model, since then it would go on for ever.
 */
import { CloseAction, type CloseHandlerResult, ErrorAction, type ErrorHandler } from 'vscode-languageclient/node';

const MOST_IN_A_ROW = 5;

export interface Restarts {
  handler: ErrorHandler;
  /** The server is of use. */
  served(): void;
}

/** `gaveUp` is called instead of a message by the client, which would come up in the middle of typing. */
export function createRestarts(gaveUp: () => void): Restarts {
  let inARow = 0;
  return {
    handler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed(): CloseHandlerResult {
        inARow++;
        if (inARow < MOST_IN_A_ROW) return { action: CloseAction.Restart, handled: true };
        inARow = 0;
        gaveUp();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    served() {
      inARow = 0;
    },
  };
}
