/** Which language a file of a package is in, by its name alone. */
export type CorpusLanguage =
  | 'typescript'
  | 'typescriptreact'
  | 'javascript'
  | 'javascriptreact'
  | 'python'
  | 'json'
  | 'css'
  | 'html'
  | 'markdown'
  | 'shellscript';

/** Names are VS Code's language identifiers, so that what the model reads in training is what an editor reports. */
const byExtension: Record<string, CorpusLanguage> = {
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  tsx: 'typescriptreact',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'javascriptreact',
  py: 'python',
  json: 'json',
  css: 'css',
  scss: 'css',
  less: 'css',
  html: 'html',
  md: 'markdown',
  sh: 'shellscript',
};

export function languageOf(path: string): CorpusLanguage | undefined {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : byExtension[path.slice(dot + 1)];
}

export type LanguageFamily = 'typescript' | 'javascript' | 'python' | 'other';

/** The three families that the corpus is about; everything else shares one small allowance. */
export function familyOf(language: CorpusLanguage): LanguageFamily {
  if (language === 'typescript' || language === 'typescriptreact') return 'typescript';
  if (language === 'javascript' || language === 'javascriptreact') return 'javascript';
  return language === 'python' ? 'python' : 'other';
}
