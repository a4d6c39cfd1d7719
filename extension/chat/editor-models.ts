/**
 * The models of the chat in the editor's own chat, where the editor has the interface for it (VS Code 1.104 and later;
 * the types in use are older). Only models that converse: the editor's chat knows no blanks.
 */
import {
  type CancellationToken,
  Disposable,
  type Event,
  LanguageModelChatMessageRole,
  LanguageModelTextPart,
  lm,
  type Progress,
} from 'vscode';
import type { ChatMessage, ChatModelInfo } from '../../language-server/protocol.ts';
import type { Answers } from './answers.ts';
import { answerTokens, estimateTokens, USUAL_CONTEXT } from './budget.ts';
import type { Models } from './models.ts';

/** As in package.json. */
const VENDOR = 'cloze';

interface ModelInformation {
  id: string;
  name: string;
  family: string;
  version: string;
  tooltip: string;
  maxInputTokens: number;
  maxOutputTokens: number;
  capabilities: { toolCalling: boolean };
}

interface RequestMessage {
  role: LanguageModelChatMessageRole;
  content: readonly unknown[];
}

/** `LanguageModelChatProvider` of vscode.d.ts, as far as it is used here. */
interface Provider {
  onDidChangeLanguageModelChatInformation: Event<void>;
  provideLanguageModelChatInformation(
    options: { silent: boolean },
    token: CancellationToken,
  ): Promise<ModelInformation[]>;
  provideLanguageModelChatResponse(
    model: ModelInformation,
    messages: readonly RequestMessage[],
    options: unknown,
    progress: Progress<LanguageModelTextPart>,
    token: CancellationToken,
  ): Promise<void>;
  provideTokenCount(model: ModelInformation, text: string | RequestMessage, token: CancellationToken): Promise<number>;
}

interface WithProviders {
  registerLanguageModelChatProvider?(vendor: string, provider: Provider): Disposable;
}

export function offerToEditor(models: Models, answers: Answers): Disposable {
  return (
    (lm as typeof lm & WithProviders).registerLanguageModelChatProvider?.(VENDOR, {
      onDidChangeLanguageModelChatInformation: models.onDidChange,
      async provideLanguageModelChatInformation() {
        await models.ready();
        return models.all.filter(({ does }) => does === 'chat').map(informationOf);
      },
      async provideLanguageModelChatResponse({ id, maxOutputTokens }, messages, _options, progress, token) {
        const params = { model: id, messages: messages.map(messageOf), maxTokens: maxOutputTokens };
        const onText = (text: string, thought: boolean) => thought || progress.report(new LanguageModelTextPart(text));
        await answers.ask(params, onText, token);
      },
      provideTokenCount: async (_, text) => estimateTokens(typeof text === 'string' ? text : messageOf(text).content),
    }) ?? Disposable.from()
  );
}

function informationOf({ id, name, place, contextTokens = USUAL_CONTEXT }: ChatModelInfo): ModelInformation {
  const maxOutputTokens = answerTokens(contextTokens);
  return {
    id,
    name,
    family: name,
    version: '1',
    tooltip: `Cloze · ${place}`,
    maxInputTokens: contextTokens - maxOutputTokens,
    maxOutputTokens,
    // The editor's chat lists no others, as it works with an agent's tools throughout; who is offered tools and calls
    // none answers in words, which is what these models do.
    capabilities: { toolCalling: true },
  };
}

/** Text only: what else a message may hold, such models cannot read. */
function messageOf({ role, content }: RequestMessage): ChatMessage {
  const text = content.map((part) => (part instanceof LanguageModelTextPart ? part.value : '')).join('');
  return { role: role === LanguageModelChatMessageRole.Assistant ? 'assistant' : 'user', content: text };
}
