/**
 * What makes a file unfit for training, judged from its path and text alone: generated, minified, data rather than
 * text, secrets. The reasons are the keys of the manifest's table of what was dropped.
 */
import type { CorpusLanguage } from './language.ts';
import { statesCopyleft } from './licence.ts';
import { hasSecret } from './secrets.ts';

export type DropReason =
  | 'not-utf8'
  | 'too-small'
  | 'too-large'
  | 'long-lines'
  | 'data'
  | 'encoded'
  | 'repetitive'
  | 'generated'
  | 'compiled'
  | 'secret'
  | 'copyleft-header'
  | 'excluded-path'
  | 'declaration'
  | 'compiled-beside-source'
  | 'duplicate'
  | 'near-duplicate'
  | 'near-held-out'
  | 'share-limit';

/** What was left out, by reason. */
export type Dropped = Partial<Record<DropReason, { files: number; bytes: number }>>;

export function countDrop(dropped: Dropped, reason: DropReason, bytes: number, files = 1): void {
  const before = dropped[reason] ?? { files: 0, bytes: 0 };
  dropped[reason] = { files: before.files + files, bytes: before.bytes + bytes };
}

const leastBytes = 200;
const mostBytes = 200_000;
const mostBytesOfData = 20_000;
const longestLine = 500;
const longestMeanLine = 100;

/** Folders of other people's code, of data, and of translations. */
const excludedFolder =
  /(^|\/)(node_modules|vendor|vendored|_vendor|vendors|third[_-]party|extern|externals?|compiled|bundled|locales?|l10n|nls|cldr|fixtures|__fixtures__|__snapshots__|test_?data|snapshots|migrations\/versions|[^/]+\.(dist|egg)-info)\//i;
const excludedFile =
  /(^|\/)(changelog[^/]*|licen[sc]e[^/]*|copying|notice|authors[^/]*|contributors[^/]*|package-lock\.json|npm-shrinkwrap\.json|_sysconfigdata[^/]*|.*[.-]min\.[^/]+|.*\.bundle\.[^/]+|.*_pb2(_grpc)?\.py|.*\.stories\.[jt]sx?|.*\.pb\.[jt]s|(messages|locale|lang)[^/]*\.json)$/i;

export function isExcludedPath(path: string): boolean {
  return excludedFolder.test(path) || excludedFile.test(path);
}

export function isTestPath(path: string): boolean {
  return /(^|\/)(tests?|__tests?__|testing|specs?|e2e)\/|[._-](test|spec)\.[cm]?[jt]sx?$|(^|\/)test_[^/]*\.py$|_test\.py$/i.test(
    path,
  );
}

const generatedMark =
  /@generated|auto-?generated|automatically[ -]generated|generated (by|from|file|code|automatically)|(do not|don't) (edit|modify|change) (this|by|manually|directly|it)|code generated/i;

/** Marks that compilers and bundlers leave: not what a person would write, hence not what a model should. */
const compiledMark =
  /__esModule|_interopRequire(Default|Wildcard)|__awaiter|__generator\b|_regenerator|\btslib_\d|__decorate\(|__webpack_|_classCallCheck|@babel\/runtime|react\/jsx-runtime|\b__toESM\b|\b__export\(|react-compiler-runtime|sourceMappingURL=data:|\(\w+ \|\| \(\w+ = \{\}\)\)/;

/** Why a file is not to be trained on, by what its head says before any cleaning; undefined when it may be. */
export function headFault(source: string): DropReason | undefined {
  if (statesCopyleft(source.slice(0, 3000))) return 'copyleft-header';
  return isGenerated(source) ? 'generated' : undefined;
}

/** Whether the head of a file says that a program wrote it. */
export function isGenerated(source: string): boolean {
  return generatedMark.test(source.slice(0, 1000));
}

/** Why the cleaned `text` is not to be trained on, or undefined when it is. */
export function textFault(text: string, bytes: number, language: CorpusLanguage): DropReason | undefined {
  if (bytes < leastBytes) return 'too-small';
  const isData = language === 'json' || language === 'css' || language === 'html';
  if (bytes > (isData ? mostBytesOfData : mostBytes)) return 'too-large';
  const lines = text.split('\n');
  if (text.length / lines.length > longestMeanLine && language !== 'markdown') return 'long-lines';
  if (lines.some((line) => line.length > (language === 'markdown' ? 4 * longestLine : longestLine)))
    return 'long-lines';
  if (language === 'javascript' || language === 'javascriptreact') {
    if (compiledMark.test(text) || (text.match(/\/\*\s?[#@]__PURE__\s?\*\//g)?.length ?? 0) > 2) return 'compiled';
  }
  if (isTable(text)) return 'data';
  if (isEncoded(text)) return 'encoded';
  if (isRepetitive(lines)) return 'repetitive';
  if (hasSecret(text)) return 'secret';
  return undefined;
}

/** Tables of numbers or escapes: fewer than a third letters, or more than a sixth digits, spaces not counted. */
function isTable(text: string): boolean {
  let letters = 0;
  let digits = 0;
  let visible = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 32) continue;
    visible++;
    if (code >= 48 && code <= 57) digits++;
    else if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code > 191) letters++;
  }
  return letters < visible / 3 || digits > visible / 6;
}

/** Signs in a row of what encodings of binary data use. */
const encodedRun = /[A-Za-z0-9+/=]{160,}/g;
const mostEncoded = 0.05;

/** More than a twentieth of the text in long runs of base64 or hexadecimal: fonts, images, keys, compiled programs. */
function isEncoded(text: string): boolean {
  const encoded = text.match(encodedRun)?.reduce((sum, { length }) => sum + length, 0) ?? 0;
  return encoded > mostEncoded * text.length;
}

const linesToJudge = 100;
const leastDistinctLines = 0.25;

/** Many lines of words, of which less than a quarter are different: what a template or a table has been unrolled to. */
function isRepetitive(lines: readonly string[]): boolean {
  const telling = lines.map((line) => line.trim()).filter((line) => /\w{3}/.test(line));
  return telling.length >= linesToJudge && new Set(telling).size < leastDistinctLines * telling.length;
}

/**
 * Takes away what a reader of one file does not need and thousands of files repeat: the byte order mark, carriage
 * returns before newlines, and a leading comment that only states the licence.
 */
export function cleanText(text: string, language: CorpusLanguage): string {
  const plain = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const comment =
    language === 'python' || language === 'shellscript'
      ? /^(#![^\n]*\n)?((?:[ \t]*#[^\n]*\n|[ \t]*\n)+)/.exec(plain)
      : /^(#![^\n]*\n)?(\s*(?:\/\*[\s\S]*?\*\/|(?:[ \t]*\/\/[^\n]*\n)+)\s*)/.exec(plain);
  const body = comment?.[2];
  if (body === undefined || !/copyright|licen[sc]e|\(c\)\s+\d{4}/i.test(body)) return plain;
  return (comment?.[1] ?? '') + plain.slice(comment?.[0].length ?? 0);
}
