/** The chat page: shows what the extension holds, and tells it what the user does. It keeps nothing but the draft. */
import { button, element } from '../element.ts';
import { createComposer } from './composer.ts';
import { type FromPage, isToPage, type ShownMessage, type ShownModel, type ToPage } from './messages.ts';
import { textNodes } from './rendering.ts';
import { createThread } from './thread.ts';
import { words } from './words.ts';

interface Host {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: { draft: string }): void;
}
declare function acquireVsCodeApi(): Host;

const host = acquireVsCodeApi();
const say = (message: FromPage): void => host.postMessage(message);

const { draft = '' } = (host.getState() ?? {}) as { draft?: string };
const composer = createComposer(say, { text: draft, keep: (text) => host.setState({ draft: text }) });
const thread = createThread(say, ({ id, text }) => composer.edit(id, text));
const welcome = element('section', { class: 'welcome' });
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });

function showWelcome({ name, note, commands }: ShownModel): void {
  welcome.replaceChildren(
    element('h1', {}, words.cloze),
    element('p', { class: 'model-name' }, ...textNodes(name)),
    element('p', {}, ...textNodes(note)),
    element(
      'div',
      { class: 'commands' },
      ...commands.map((command) =>
        button(`/${command.name}: ${command.description}`, () => composer.insert(`/${command.name} `), ''),
      ),
    ),
  );
  for (const [index, made] of [...welcome.querySelectorAll('button')].entries()) {
    const command = commands[index];
    made.append(
      element('span', { class: 'name' }, `/${command?.name}`),
      element('span', { class: 'what' }, command?.description ?? ''),
    );
  }
}

function showState(message: ShownMessage | undefined): void {
  welcome.hidden = !thread.empty;
  thread.root.hidden = thread.empty;
  if (message?.role === 'assistant') composer.showAnswering(message.state === 'streaming');
  else composer.showAnswering(false);
}

function announce({ role, state, model, problem }: ShownMessage): void {
  if (role !== 'assistant') return;
  const said: Record<ShownMessage['state'], string> = {
    streaming: `${words.answering}: ${model ?? words.cloze}`,
    done: words.answered,
    cut: words.cut,
    stopped: words.stopped,
    failed: `${words.failed} ${problem ?? ''}`,
  };
  announcer.replaceChildren(...textNodes(said[state]));
}

function hear(message: ToPage): void {
  switch (message.type) {
    case 'thread':
      thread.show(message.messages);
      showState(message.messages.at(-1));
      break;
    case 'message':
      thread.update(message.message);
      showState(message.message);
      announce(message.message);
      break;
    case 'text':
      thread.append(message.id, message.text, message.thought);
      break;
    case 'model':
      showWelcome(message.model);
      composer.showModel(message.model);
      break;
    case 'context':
      composer.showContext(message.context);
      break;
    case 'compose':
      composer.insert(message.text);
      break;
  }
}

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isToPage(data)) hear(data);
});
document.getElementById('chat')?.append(welcome, thread.root, composer.root, announcer);
say({ type: 'ready' });
