/**
 * Messages as the tokens that a model was trained to answer. Control tokens are put in by id. Sources: the chat methods of
 * modeling_chatglm.py (ChatGLM-6B, ChatGLM2-6B), tokenization_chatglm.py (ChatGLM3-6B, GLM-4-9B), CodeGeeX4's README.
 */
import type { NamedTokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatMessage } from './chat-model.ts';
import { type ChatTemplate, loadChatTemplate } from './chat-template.ts';
import type { TemplateLimits } from './template-process.ts';

/** What a prompt depends on. */
export interface ChattingModel {
  tokenizer: NamedTokenizer;
  /** Model folder, whose template comes before all else. */
  path: string;
  family: string;
  /** Which release of the family. */
  release: string;
  /** Of a template's rendering. */
  limits?: TemplateLimits;
}

/** The model's own way of reading a conversation; undefined for a model that was not trained to converse. */
export async function chatPrompt({
  tokenizer,
  path,
  family,
  release,
  limits,
}: ChattingModel): Promise<ChatTemplate | undefined> {
  switch (release) {
    case 'chatglm-6b':
      return (messages) => [
        ...tokenizer.encodeStart(
          rounds(messages, 0, ({ round, question, answer }, last, only) =>
            only ? question : `[Round ${round}]\n问：${question}\n答：${last ? '' : `${answer}\n`}`,
          ),
        ),
        tokenizer.special.documentMask,
        tokenizer.special.sop,
      ];
    case 'chatglm2':
      return (messages) => [
        tokenizer.special.documentMask,
        tokenizer.special.sop,
        ...tokenizer.encodeStart(
          rounds(
            messages,
            1,
            ({ round, question, answer }, last) =>
              `[Round ${round}]\n\n问：${question}\n\n答：${last ? '' : `${answer}\n\n`}`,
          ),
        ),
      ];
    case 'chatglm3':
      return roleTurns(tokenizer);
    case 'glm-2021':
    case 'glm-130b':
    case 'codegeex2':
      return undefined;
  }
  const template = await loadChatTemplate(path, tokenizer, limits);
  if (template) return template;
  // A file of transformers without a template is a model that was not tuned to converse.
  return family === 'chatglm2' ? roleTurns(tokenizer) : undefined;
}

/** ChatGLM3 and GLM-4: each message after its role's token, on a line of its own. */
function roleTurns(tokenizer: NamedTokenizer): ChatTemplate | undefined {
  const roles = { system: '<|system|>', user: '<|user|>', assistant: '<|assistant|>' } as const;
  const idOf = (role: ChatMessage['role']) => tokenizer.named.get(roles[role]);
  if (Object.keys(roles).some((role) => idOf(role as ChatMessage['role']) === undefined)) return undefined;
  return (messages) => [
    tokenizer.special.documentMask,
    tokenizer.special.sop,
    ...messages.flatMap(({ role, content }) => [
      idOf(role) as number,
      ...tokenizer.encodeStart('\n'),
      ...tokenizer.encodeStart(content),
    ]),
    idOf('assistant') as number,
  ];
}

interface Round {
  round: number;
  question: string;
  answer: string;
}

/** Questions with their answers, in order; a system message begins the first question, as these models have no role for it. */
function rounds(
  messages: readonly ChatMessage[],
  first: number,
  write: (round: Round, last: boolean, only: boolean) => string,
): string {
  const found: Round[] = [];
  let question: string[] = [];
  for (const { role, content } of messages) {
    if (role !== 'assistant') question.push(content);
    else {
      found.push({ round: first + found.length, question: question.join('\n\n'), answer: content });
      question = [];
    }
  }
  found.push({ round: first + found.length, question: question.join('\n\n'), answer: '' });
  return found.map((round, index) => write(round, index === found.length - 1, found.length === 1)).join('');
}
