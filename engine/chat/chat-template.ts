/**
 * The chat template that a checkpoint ships, in Jinja. What messages say never becomes a control token: names of such
 * tokens in their text are hidden from the template and put back as text afterwards. A template is hostile input too:
 * it can loop, so it is rendered in a process of its own.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedTokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatMessage } from './chat-model.ts';
import { createTemplateProcess, type RenderTemplate, type TemplateLimits } from './template-process.ts';

/** GLM-4.5's has about 4 KB. */
const LARGEST_TEMPLATE = 64 * 1024;
const LARGEST_CONFIG = 16 << 20;

/** Renders messages to token ids. */
export type ChatTemplate = (messages: readonly ChatMessage[]) => number[] | Promise<number[]>;

/** The template of a model folder: `chat_template.jinja`, or the key of tokenizer_config.json; undefined for none. */
export async function loadChatTemplate(
  folder: string,
  tokenizer: NamedTokenizer,
  limits?: TemplateLimits,
): Promise<ChatTemplate | undefined> {
  const path = join(folder, 'chat_template.jinja');
  const own = await readText(path, LARGEST_TEMPLATE);
  if (own !== undefined) return chatTemplate(own, tokenizer, path, limits);
  const configPath = join(folder, 'tokenizer_config.json');
  const config = await readText(configPath, LARGEST_CONFIG);
  if (config === undefined) return undefined;
  let root: { chat_template?: unknown } | null;
  try {
    root = JSON.parse(config);
  } catch (error) {
    throw new Error(`${configPath} is not JSON: ${(error as Error).message}. The file is damaged: fetch it again.`);
  }
  const template = root?.chat_template;
  return typeof template === 'string' ? chatTemplate(template, tokenizer, configPath, limits) : undefined;
}

/** Throws when the template is too long; what else is wrong with it is said when it is used. `path` stands for it in errors. */
export function chatTemplate(
  source: string,
  tokenizer: NamedTokenizer,
  path: string,
  limits: TemplateLimits = {},
): ChatTemplate {
  if (source.length > LARGEST_TEMPLATE)
    throw new Error(`The chat template of ${path} has ${source.length} characters; the most are ${LARGEST_TEMPLATE}.`);
  let render: RenderTemplate | undefined;
  const names = [...tokenizer.named.keys()].filter((name) => name !== '').sort((x, y) => y.length - x.length);
  const anyName = new RegExp(names.map((name) => name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  return async (messages) => {
    const all = messages.map(({ content }) => content).join('\n');
    let mark = 'q';
    while (all.includes(`\ue000${mark}`)) mark += 'q';
    const hidden = new RegExp(`\ue000${mark}(\\d+)\ue001`, 'g');
    const hide = (text: string) =>
      names.length === 0 ? text : text.replace(anyName, (name) => `\ue000${mark}${names.indexOf(name)}\ue001`);
    const show = (text: string) => text.replace(hidden, (_, index: string) => names[Number(index)] as string);
    let text: string;
    try {
      render ??= createTemplateProcess(source, limits);
      text = await render(messages.map(({ role, content }) => ({ role, content: hide(content) })));
    } catch (error) {
      throw new Error(`The chat template of ${path} failed: ${(error as Error).message}`);
    }
    const ids: number[] = [];
    let from = 0;
    for (const { 0: name, index } of names.length > 0 ? text.matchAll(anyName) : []) {
      ids.push(...tokenizer.encode(show(text.slice(from, index))), tokenizer.named.get(name) as number);
      from = index + name.length;
    }
    ids.push(...tokenizer.encode(show(text.slice(from))));
    return ids;
  };
}

async function readText(path: string, largest: number): Promise<string | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > largest) throw new Error(`${path}: ${bytes.length} bytes are too many.`);
    return bytes.toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
