/** Every sentence of the page that the extension does not send, in one place. */
export const words = {
  conversation: 'Conversation',
  you: 'You',
  cloze: 'Cloze',
  message: 'Message',
  placeholder: 'Ask, or type / for commands and @ for context',
  placeholderFill: 'Type / for what this model can do',
  editing: 'Editing an earlier message. It becomes a second version; the first is kept.',
  cancelEdit: 'Cancel editing',
  send: 'Send',
  stop: 'Stop',
  retry: 'Ask again',
  edit: 'Edit',
  copyMessage: 'Copy',
  previous: 'Previous version',
  next: 'Next version',
  model: 'Choose the model',
  thinking: 'Thinking',
  thought: 'Thoughts',
  stopped: 'Stopped.',
  cut: 'The answer was cut at its limit of tokens.',
  attached: 'Sent along',
  context: 'Context',
  cutAttachment: 'cut to fit',
  suggestions: 'Suggestions',
  answering: 'Answering',
  answered: 'The answer is complete.',
  failed: 'The answer failed.',
  code: 'Code',
} as const;

export const codeActionWords = {
  copy: 'Copy',
  insert: 'Insert at cursor',
  apply: 'Apply as diff',
  fill: 'Fill its blanks: … and ___ are filled by the local model',
} as const;

export const mentionWords = {
  '@file': 'The file in the active editor',
  '@file:': 'Another file of the workspace',
  '@selection': 'What is selected, or what surrounds the cursor',
  '@symbol': 'The function or class at the cursor',
  '@symbol:': 'A symbol of the workspace',
  '@problems': 'Errors and warnings in the active file',
  '@open': 'All open files',
} as const;

export function versionWords(index: number, count: number): string {
  return `${index + 1} of ${count}`;
}

/** `1.2k` from a thousand on. */
export function tokenCount(tokens: number): string {
  return tokens < 1000 ? String(tokens) : `${(tokens / 1000).toFixed(tokens < 10_000 ? 1 : 0)}k`;
}

export function budgetWords(used: number, limit: number): string {
  return `${tokenCount(used)} / ${tokenCount(limit)} tokens`;
}

export function budgetTitle(used: number, limit: number): string {
  return `About ${used} of ${limit} tokens would be sent; the rest is room for more context.`;
}

export function droppedWords(dropped: number): string {
  return `${dropped} earlier ${dropped === 1 ? 'message does' : 'messages do'} not fit`;
}
