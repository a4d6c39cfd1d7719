/**
 * A file of its own in the bundle: a process that renders chat templates, which come with a checkpoint and may loop
 * without end or grow without bound. Whoever started it ends it when it takes too long; its memory is limited when it
 * is started. It ends with whoever started it.
 */
import { Template } from '@huggingface/jinja';
import type { Rendered, ToRender } from './template-messages.ts';

/** A conversation has less than a million tokens. */
const LONGEST_TEXT = 8 << 20;

process.on('disconnect', () => process.exit());
process.on('message', (work: ToRender) => {
  const reply = (rendered: Rendered) => process.send?.(rendered);
  try {
    const text = new Template(work.source).render({
      messages: work.messages,
      add_generation_prompt: true,
      tools: null,
    });
    if (text.length > LONGEST_TEXT) throw new Error(`it wrote ${text.length} characters`);
    reply({ text });
  } catch (error) {
    reply({ problem: error instanceof Error ? error.message : String(error) });
  }
});
