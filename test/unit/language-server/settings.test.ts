import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RUNTIMES } from '../../../engine/runtime/open.ts';
import { checkSettings, defaultSettings, languageEnabled, MODEL_RUNTIMES } from '../../../language-server/settings.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const texts = JSON.parse(readFileSync('package.nls.json', 'utf8'));
const properties: Record<string, { default?: unknown; description?: string; markdownDescription?: string }> =
  Object.assign({}, ...[manifest.contributes.configuration].flat().map((page) => page.properties));

/** `completion.maxTokens` and so on, with the default of each. */
function flatten(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || path === 'cloze.languages') return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, `${path}.${key}`));
}

describe('settings', () => {
  it('are those of the manifest, with the same defaults', () => {
    // The extension alone reads `cloze.fill` and `cloze.tuning`, which become a part of each request, and `cloze.statistics`.
    const read = Object.entries(properties).filter(([name]) => !/^cloze\.(fill|statistics|tuning)\./.test(name));
    const contributed = read.map(([name, { default: value }]) => [name, value]);
    expect(Object.fromEntries(contributed)).toEqual(Object.fromEntries(flatten(defaultSettings, 'cloze')));
  });

  it('offer every runtime of the engine', () => {
    expect(MODEL_RUNTIMES).toEqual(RUNTIMES);
    expect(manifest.contributes.configuration.properties['cloze.model.runtime'].enum).toEqual(RUNTIMES);
  });

  it('take defaults where nothing is given', () => {
    for (const nothing of [undefined, null, {}, { completion: {} }, { completion: null, unknown: 1 }]) {
      expect(checkSettings(nothing)).toEqual({ settings: defaultSettings, problems: [] });
    }
  });

  const wrong: [given: unknown, name: string][] = [
    ['text', 'cloze'],
    [{ enable: 'yes' }, 'cloze.enable'],
    [{ model: 'folder' }, 'cloze.model'],
    [{ model: { path: 1 } }, 'cloze.model.path'],
    [{ model: { runtime: 'gpu' } }, 'cloze.model.runtime'],
    [{ completion: { maxTokens: 0 } }, 'cloze.completion.maxTokens'],
    [{ completion: { maxTokens: 1.5 } }, 'cloze.completion.maxTokens'],
    [{ completion: { multiline: 'sometimes' } }, 'cloze.completion.multiline'],
    [{ completion: { timeLimit: -1 } }, 'cloze.completion.timeLimit'],
    [{ completion: { contextTokens: Number.NaN } }, 'cloze.completion.contextTokens'],
    [{ completion: { threshold: 1.5 } }, 'cloze.completion.threshold'],
    [{ completion: { threshold: Number.NaN } }, 'cloze.completion.threshold'],
    [{ languages: ['python'] }, 'cloze.languages'],
    [{ threads: 1e9 }, 'cloze.threads'],
    [{ unloadAfter: -1 }, 'cloze.unloadAfter'],
    [{ unloadAfter: Number.NaN }, 'cloze.unloadAfter'],
    [{ log: { level: 'all' } }, 'cloze.log.level'],
  ];
  it.each(wrong)('%j is refused by name', (given, name) => {
    const { settings, problems } = checkSettings(given);
    expect(settings).toEqual(defaultSettings);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`Setting ${name} is `);
  });

  it('keep what is right beside what is wrong', () => {
    const { settings } = checkSettings({ threads: 4, completion: { maxTokens: 16, timeLimit: 'long' } });
    expect(settings).toMatchObject({ threads: 4, completion: { maxTokens: 16, timeLimit: 1000 } });
  });

  it('decide for each language, then for all others', () => {
    const decide = (languages: Record<string, boolean>) => languageEnabled({ ...defaultSettings, languages }, 'python');
    expect(decide({})).toBe(true);
    expect(decide({ '*': false })).toBe(false);
    expect(decide({ '*': false, python: true })).toBe(true);
    expect(decide({ '*': true, python: false })).toBe(false);
  });
});

describe('the manifest', () => {
  it('has a text for every placeholder, and no text without one', () => {
    const used = JSON.stringify(manifest).match(/%[\w.]+%/g) ?? [];
    expect([...new Set(used)].sort()).toEqual(
      Object.keys(texts)
        .map((key) => `%${key}%`)
        .sort(),
    );
  });

  it('describes every setting', () => {
    for (const [name, { description, markdownDescription }] of Object.entries(properties)) {
      expect(description ?? markdownDescription, name).toMatch(/^%.+%$/);
    }
  });
});
