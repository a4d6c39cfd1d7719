/** Every sentence of the page that the extension does not send, in one place. */
import { t } from '../l10n.ts';

export const words = {
  conversation: t('Conversation'),
  you: t('You'),
  cloze: t('Cloze'),
  message: t('Message'),
  placeholder: t('Ask, or type / for commands and @ for context'),
  placeholderFill: t('Type / for what this model can do'),
  editing: t('Editing an earlier message. It becomes a second version; the first is kept.'),
  cancelEdit: t('Cancel editing'),
  send: t('Send'),
  stop: t('Stop'),
  retry: t('Ask again'),
  edit: t('Edit'),
  copyMessage: t('Copy'),
  previous: t('Previous version'),
  next: t('Next version'),
  model: t('Choose the model'),
  thinking: t('Thinking'),
  thought: t('Thoughts'),
  stopped: t('Stopped.'),
  cut: t('The answer was cut at its limit of tokens.'),
  attached: t('Sent along'),
  context: t('Context'),
  cutAttachment: t('cut to fit'),
  suggestions: t('Suggestions'),
  answering: t('Answering'),
  answered: t('The answer is complete.'),
  failed: t('The answer failed.'),
  code: t('Code'),
} as const;

export const codeActionWords = {
  copy: t('Copy'),
  insert: t('Insert at cursor'),
  apply: t('Apply as diff'),
  fill: t('Fill its blanks: … and ___ are filled by the local model'),
} as const;

export const mentionWords = {
  '@file': t('The file in the active editor'),
  '@file:': t('Another file of the workspace'),
  '@selection': t('What is selected, or what surrounds the cursor'),
  '@symbol': t('The function or class at the cursor'),
  '@symbol:': t('A symbol of the workspace'),
  '@problems': t('Errors and warnings in the active file'),
  '@open': t('All open files'),
} as const;

export function versionWords(index: number, count: number): string {
  return t('{0} of {1}', index + 1, count);
}

/** `1.2k` from a thousand on. */
export function tokenCount(tokens: number): string {
  return tokens < 1000 ? String(tokens) : `${(tokens / 1000).toFixed(tokens < 10_000 ? 1 : 0)}k`;
}

export function budgetWords(used: number, limit: number): string {
  return t('{0} / {1} tokens', tokenCount(used), tokenCount(limit));
}

export function budgetTitle(used: number, limit: number): string {
  return t('About {0} of {1} tokens would be sent; the rest is room for more context.', used, limit);
}

export function droppedWords(dropped: number): string {
  return dropped === 1 ? t('1 earlier message does not fit') : t('{0} earlier messages do not fit', dropped);
}
