/**
 * Settings as the client sends them, checked by hand: a wrong value is replaced by its default and reported by name,
 * so that a slip in settings.json never costs more than the one setting.
 */
import type { ClozeSettings, LogLevel, ModelRuntime, Multiline } from './protocol.ts';

export const MODEL_RUNTIMES: readonly ModelRuntime[] = [
  'native',
  'onnx',
  'onnx-cpu',
  'onnx-webgpu',
  'onnx-cuda',
  'onnx-dml',
  'onnx-coreml',
];

export const defaultSettings: ClozeSettings = {
  enable: true,
  offline: true,
  model: { path: '', runtime: 'native', mirror: '' },
  completion: {
    maxTokens: 64,
    multiline: 'auto',
    timeLimit: 1000,
    contextTokens: 800,
    threshold: 0.5,
    adaptive: true,
    automatic: true,
  },
  languages: { '*': true, plaintext: false, markdown: false, log: false, scminput: false },
  threads: 0,
  unloadAfter: 30,
  chat: { server: '' },
  log: { level: 'info' },
};

export interface CheckedSettings {
  settings: ClozeSettings;
  /** One sentence for each value that was refused. */
  problems: string[];
}

/** Checks what came under `cloze`; anything absent takes its default. Never throws. */
export function checkSettings(value: unknown): CheckedSettings {
  const problems: string[] = [];
  const root = section(value, 'cloze', problems);
  const model = section(root.model, 'cloze.model', problems);
  const completion = section(root.completion, 'cloze.completion', problems);
  const chat = section(root.chat, 'cloze.chat', problems);
  const log = section(root.log, 'cloze.log', problems);
  const standard = defaultSettings;

  const check = <T>(given: unknown, name: string, fallback: T, accepts: (v: unknown) => v is T, wanted: string): T => {
    if (given === undefined || given === null) return fallback;
    if (accepts(given)) return given;
    problems.push(`Setting ${name} is ${shown(given)}; it must be ${wanted}. Using ${shown(fallback)}.`);
    return fallback;
  };
  const integer = (given: unknown, name: string, fallback: number, low: number, high: number): number =>
    check(given, name, fallback, isIntegerIn(low, high), `a whole number from ${low} to ${high}`);

  const settings: ClozeSettings = {
    enable: check(root.enable, 'cloze.enable', standard.enable, isBoolean, 'true or false'),
    offline: check(root.offline, 'cloze.offline', standard.offline, isBoolean, 'true or false'),
    model: {
      path: check(model.path, 'cloze.model.path', standard.model.path, isString, 'the path of a folder'),
      runtime: check(
        model.runtime,
        'cloze.model.runtime',
        standard.model.runtime,
        isOneOf(...MODEL_RUNTIMES),
        `one of ${MODEL_RUNTIMES.join(', ')}`,
      ),
      mirror: check(model.mirror, 'cloze.model.mirror', standard.model.mirror, isString, 'the address of a hub'),
    },
    completion: {
      maxTokens: integer(completion.maxTokens, 'cloze.completion.maxTokens', standard.completion.maxTokens, 1, 512),
      multiline: check(
        completion.multiline,
        'cloze.completion.multiline',
        standard.completion.multiline,
        isOneOf<Multiline>('auto', 'always', 'never'),
        '"auto", "always" or "never"',
      ),
      timeLimit: integer(completion.timeLimit, 'cloze.completion.timeLimit', standard.completion.timeLimit, 0, 60_000),
      contextTokens: integer(
        completion.contextTokens,
        'cloze.completion.contextTokens',
        standard.completion.contextTokens,
        64,
        131_072,
      ),
      threshold: check(
        completion.threshold,
        'cloze.completion.threshold',
        standard.completion.threshold,
        isNumberIn(0, 1),
        'a number from 0 to 1',
      ),
      adaptive: check(
        completion.adaptive,
        'cloze.completion.adaptive',
        standard.completion.adaptive,
        isBoolean,
        'true or false',
      ),
      automatic: check(
        completion.automatic,
        'cloze.completion.automatic',
        standard.completion.automatic,
        isBoolean,
        'true or false',
      ),
    },
    languages: check(
      root.languages,
      'cloze.languages',
      standard.languages,
      isLanguageMap,
      'an object of language ids with true or false',
    ),
    threads: integer(root.threads, 'cloze.threads', standard.threads, 0, 256),
    unloadAfter: check(
      root.unloadAfter,
      'cloze.unloadAfter',
      standard.unloadAfter,
      isNumberIn(0, 1440),
      'a number of minutes from 0 to 1440',
    ),
    chat: { server: check(chat.server, 'cloze.chat.server', standard.chat.server, isString, 'the URL of a server') },
    log: {
      level: check(
        log.level,
        'cloze.log.level',
        standard.log.level,
        isOneOf<LogLevel>('off', 'error', 'info', 'debug'),
        '"off", "error", "info" or "debug"',
      ),
    },
  };
  return { settings, problems };
}

/** Whether completions are wanted for a language: its own entry, else that of `*`, else yes. */
export function languageEnabled(settings: ClozeSettings, languageId: string): boolean {
  const { languages } = settings;
  if (Object.hasOwn(languages, languageId)) return languages[languageId] === true;
  return Object.hasOwn(languages, '*') ? languages['*'] === true : true;
}

function section(value: unknown, name: string, problems: string[]): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  problems.push(`Setting ${name} is ${shown(value)}; it must be an object. Using its defaults.`);
  return {};
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isString = (value: unknown): value is string => typeof value === 'string';
const isIntegerIn =
  (low: number, high: number) =>
  (value: unknown): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
const isNumberIn =
  (low: number, high: number) =>
  (value: unknown): value is number =>
    typeof value === 'number' && value >= low && value <= high;
const isOneOf =
  <T extends string>(...allowed: T[]) =>
  (value: unknown): value is T =>
    allowed.includes(value as T);
const isLanguageMap = (value: unknown): value is Record<string, boolean> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isBoolean);
