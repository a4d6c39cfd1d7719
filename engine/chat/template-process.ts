/** Renders a chat template in a process of its own, within limits of time and memory that no template can get round. */
import { type ChildProcess, fork } from 'node:child_process';
import { programPath } from '../program-path.ts';
import type { ChatMessage } from './chat-model.ts';
import type { Rendered, ToRender } from './template-messages.ts';

export interface TemplateLimits {
  /** Milliseconds for one conversation, the start of the process included; default 10 s. */
  time?: number;
  /** MiB of the process's heap; default 96. */
  memory?: number;
  /** Path of the bundled `template-host.ts`; by default the one beside the running bundle. */
  host?: string;
}

/** Milliseconds without a conversation after which the process is ended. */
const REST = 10_000;

export type RenderTemplate = (messages: readonly ChatMessage[]) => Promise<string>;

/** One conversation at a time. Rejects with what was wrong: of the template, or that a limit ended it. */
export function createTemplateProcess(source: string, limits: TemplateLimits = {}): RenderTemplate {
  const { time = 10_000, memory = 96, host = programPath('template-host.mjs') } = limits;
  let process: ChildProcess | undefined;
  let rest: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  function running(): ChildProcess {
    if (process?.connected && process.exitCode === null) return process;
    const execArgv = [`--max-old-space-size=${memory}`, '--max-semi-space-size=8'];
    process = fork(host, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv });
    return process;
  }

  /** Only work keeps this process alive. */
  function hold(child: ChildProcess, on: boolean): void {
    if (on) child.ref();
    else child.unref();
    if (on) child.channel?.ref();
    else child.channel?.unref();
  }

  async function render(messages: readonly ChatMessage[]): Promise<string> {
    clearTimeout(rest);
    const child = running();
    hold(child, true);
    const work: ToRender = { source, messages };
    let timer: NodeJS.Timeout | undefined;
    try {
      const rendered = await new Promise<Rendered>((resolve) => {
        const end = (problem: string) => resolve({ problem });
        child.once('message', (reply: Rendered) => resolve(reply));
        child.once('error', (error) => end(error.message));
        child.once('exit', () => end(`it took more than ${memory} MiB, or its process was ended`));
        timer = setTimeout(() => {
          end(`it took longer than ${Math.round(time / 1000)} s`);
          child.kill('SIGKILL');
        }, time);
        child.send(work, (error) => error && end(error.message));
      });
      if ('problem' in rendered) throw new Error(rendered.problem);
      return rendered.text;
    } finally {
      clearTimeout(timer);
      child.removeAllListeners();
      // A process that was ended may still say so.
      child.on('error', () => undefined);
      hold(child, false);
      rest = setTimeout(() => child.connected && child.disconnect(), REST);
      rest.unref();
    }
  }

  return (messages) => {
    const turn = queue.then(() => render(messages));
    queue = turn.catch(() => undefined);
    return turn;
  };
}
