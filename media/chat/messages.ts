/**
 * What the chat page and the extension say to each other. The extension checks what it hears; the page shows what it
 * hears as text, whatever it holds.
 */
export interface ShownMessage {
  id: string;
  role: 'user' | 'assistant';
  text: string;
  state: 'streaming' | 'done' | 'stopped' | 'cut' | 'failed';
  thought?: string;
  /** Absent from what Cloze itself says. */
  model?: string;
  problem?: string;
  /** Names of what was sent along. */
  context?: string[];
  /** Which of how many versions this is, counted from 0. */
  branch: { index: number; count: number };
}

export interface ShownModel {
  /** As the picker shows it. */
  name: string;
  /** What it does and what it does not, in a sentence or two. */
  note: string;
  commands: { name: string; description: string }[];
  /** Whether free questions are answered; else only commands are of use. */
  converses: boolean;
}

export interface ShownContext {
  items: { name: string; tokens: number; cut: boolean }[];
  /** Estimated tokens of all that would be sent, and how many may be. */
  used: number;
  limit: number;
  /** Earlier messages that do not fit any more. */
  dropped: number;
}

export type ToPage =
  | { type: 'thread'; messages: ShownMessage[] }
  | { type: 'message'; message: ShownMessage }
  | { type: 'text'; id: string; text: string; thought: boolean }
  | { type: 'model'; model: ShownModel }
  | { type: 'context'; context: ShownContext | undefined }
  | { type: 'compose'; text: string };

export type CodeAction = 'copy' | 'insert' | 'apply' | 'fill';

export type FromPage =
  | { type: 'ready' }
  | { type: 'draft'; text: string }
  | { type: 'send'; text: string }
  | { type: 'edit'; id: string; text: string }
  | { type: 'retry'; id: string }
  | { type: 'branch'; id: string; step: number }
  | { type: 'stop' }
  | { type: 'chooseModel' }
  | { type: 'pick'; kind: 'file' | 'symbol' }
  | { type: 'copyMessage'; id: string }
  | { type: 'code'; action: CodeAction; code: string; language: string };

/** Characters of one message. */
const LARGEST_TEXT = 1_000_000;

export function isFromPage(value: unknown): value is FromPage {
  if (!isRecord(value)) return false;
  switch (value.type) {
    case 'ready':
    case 'stop':
    case 'chooseModel':
      return true;
    case 'draft':
    case 'send':
      return isShort(value.text);
    case 'edit':
      return isShort(value.id) && isShort(value.text);
    case 'retry':
    case 'copyMessage':
      return isShort(value.id);
    case 'branch':
      return isShort(value.id) && (value.step === 1 || value.step === -1);
    case 'pick':
      return value.kind === 'file' || value.kind === 'symbol';
    case 'code':
      return (
        isShort(value.code) &&
        isShort(value.language) &&
        ['copy', 'insert', 'apply', 'fill'].includes(value.action as string)
      );
    default:
      return false;
  }
}

/** The extension's word is taken for the rest: it made the message. */
export function isToPage(value: unknown): value is ToPage {
  return isRecord(value) && ['thread', 'message', 'text', 'model', 'context', 'compose'].includes(value.type as string);
}

const isShort = (value: unknown): value is string => typeof value === 'string' && value.length <= LARGEST_TEXT;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
