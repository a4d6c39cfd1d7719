/** What the engine and the process that renders chat templates say to each other. */
import type { ChatMessage } from './chat-model.ts';

export interface ToRender {
  source: string;
  messages: readonly ChatMessage[];
}

export type Rendered = { text: string } | { problem: string };
