/**
 * A model for each task: completions, blanks that were asked for, conversations. Tasks whose model is the same share one
 * in memory. Only that of completions is loaded ahead, and only it is shown in the status; another one waits to be asked.
 */
import { type LoadEngine, type ModelChoice, sameChoice } from '../engine.ts';
import { createEngineHost, type EngineHost, type HostListener } from '../engine-host.ts';
import type { Log } from '../log.ts';
import type { EditorTask } from './messages.ts';

export interface Hosts extends Pick<EngineHost, 'unloadAfter' | 'reload' | 'watch' | 'trace' | 'dispose'> {
  inline: EngineHost;
  fill: Pick<EngineHost, 'fillBlanks'>;
  chat: Pick<EngineHost, 'model' | 'chat'>;
  /** `undefined` unloads all. */
  use(choices: Record<EditorTask, ModelChoice> | undefined): void;
}

export function createHosts(load: LoadEngine, told: HostListener, log: Log): Hosts {
  /** Whose trace is the last. */
  let traced: EngineHost | undefined;

  function create(status: HostListener['status']): EngineHost {
    const host: EngineHost = createEngineHost(
      load,
      {
        ...told,
        status,
        traced() {
          traced = host;
          told.traced();
        },
      },
      log,
    );
    return host;
  }

  const inline = create(told.status);
  const fill = create(() => undefined);
  const chat = create(() => undefined);
  const all = [inline, fill, chat];
  /** Who does each task now. */
  let doing: Record<EditorTask, EngineHost> = { inline, fill: inline, chat: inline };

  return {
    inline,
    fill: { fillBlanks: (...call) => doing.fill.fillBlanks(...call) },
    chat: { model: () => doing.chat.model(), chat: (...call) => doing.chat.chat(...call) },
    use(choices) {
      inline.use(choices?.inline);
      const shared = sameChoice(choices?.fill, choices?.inline);
      const chats = [inline, fill, chat] as const;
      const wanted = [choices?.inline, choices?.fill];
      const same = wanted.findIndex((choice) => sameChoice(choice, choices?.chat));
      doing = { inline, fill: shared ? inline : fill, chat: chats[same === -1 ? 2 : same] as EngineHost };
      fill.use(doing.fill === fill ? choices?.fill : undefined, 'later');
      chat.use(doing.chat === chat ? choices?.chat : undefined, 'later');
    },
    unloadAfter: (milliseconds) => all.forEach((host) => void host.unloadAfter(milliseconds)),
    reload: () => inline.reload(),
    watch: (on) => all.forEach((host) => void host.watch(on)),
    trace: () => (traced ?? inline).trace(),
    async dispose() {
      await Promise.all(all.map((host) => host.dispose()));
    },
  };
}
