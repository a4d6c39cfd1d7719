import { expect, it } from 'vitest';
import { isFromPage } from '../../../media/chat/messages.ts';

it.each([
  { type: 'ready' },
  { type: 'send', text: 'Why?' },
  { type: 'edit', id: 'q', text: 'Why not?' },
  { type: 'branch', id: 'q', step: -1 },
  { type: 'pick', kind: 'file' },
  { type: 'code', action: 'apply', code: 'x', language: '' },
])('%j is something the page says', (message) => expect(isFromPage(message)).toBe(true));

it.each([
  null,
  'ready',
  [],
  { type: 'run', command: 'x' },
  { type: 'send' },
  { type: 'send', text: 'x'.repeat(1_000_001) },
  { type: 'edit', id: 1, text: '' },
  { type: 'branch', id: 'q', step: 2 },
  { type: 'pick', kind: '../x' },
  { type: 'code', action: 'execute', code: 'x', language: '' },
  { type: 'code', action: 'copy', code: 1, language: '' },
])('what else comes is not heard', (message) => expect(isFromPage(message)).toBe(false));
