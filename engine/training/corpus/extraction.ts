/**
 * From a fetched archive to clean text: unpacks aside, judges the licence and every file, and leaves two files for the
 * package: `STEM.text` (the documents one after another) and `STEM.jsonl` (a summary line, then one line a document).
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { candidates } from './candidates.ts';
import { archivePath } from './fetch.ts';
import type { CorpusLanguage } from './language.ts';
import { debianLicence, isPermissive, packageJsonLicence } from './licence.ts';
import { type ListedPackage, packageFileStem } from './package-list.ts';
import { cleanText, countDrop, type Dropped, type DropReason, headFault, textFault } from './quality.ts';

const run = promisify(execFile);
/** Raised when the rules change, so that packages taken out under older rules are taken out again. */
export const extractionRules = 5;

export interface ExtractedDocument {
  path: string;
  language: CorpusLanguage;
  /** Byte range in the package's text file. */
  offset: number;
  length: number;
  /** Of the text without white space. */
  hash: string;
}

export interface PackageSummary {
  rules: number;
  licence: string | undefined;
  permissive: boolean;
  dropped: Dropped;
}

export interface ExtractedPackage {
  listed: ListedPackage;
  summary: PackageSummary;
  documents: ExtractedDocument[];
  textFile: string;
}

/** Takes `listed` out of its archive, or reads what an earlier run took out. */
export async function extractPackage(
  listed: ListedPackage,
  cacheDirectory: string,
  directory: string,
): Promise<ExtractedPackage> {
  const textFile = join(directory, `${packageFileStem(listed)}.text`);
  const indexFile = join(directory, `${packageFileStem(listed)}.jsonl`);
  const earlier = await readIndex(indexFile);
  if (earlier !== undefined) return { listed, textFile, ...earlier };

  await mkdir(directory, { recursive: true });
  const aside = await mkdtemp(join(directory, '.unpacking-'));
  try {
    const archive = archivePath(cacheDirectory, listed);
    const options = { maxBuffer: 1e8 };
    // GNU tar and dpkg-deb refuse members that would leave the folder.
    if (listed.source === 'npm') await run('tar', ['-xzf', archive, '-C', aside, '--no-same-owner'], options);
    else await run('dpkg-deb', ['-x', archive, aside], options);
    const { summary, documents, text } = await readUnpacked(listed, aside, cacheDirectory);
    await writeFile(`${textFile}.part`, text);
    await rename(`${textFile}.part`, textFile);
    await writeFile(`${indexFile}.part`, [summary, ...documents].map((line) => `${JSON.stringify(line)}\n`).join(''));
    await rename(`${indexFile}.part`, indexFile);
    return { listed, summary, documents, textFile };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new Error(
      `Cannot unpack ${listed.name} ${listed.version}: ${reason}. Delete its archive and fetch it again.`,
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function readIndex(
  file: string,
): Promise<{ summary: PackageSummary; documents: ExtractedDocument[] } | undefined> {
  let lines: string[];
  try {
    lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  } catch {
    return undefined;
  }
  const summary: PackageSummary = JSON.parse(lines[0] ?? '');
  if (summary.rules !== extractionRules) return undefined;
  return { summary, documents: lines.slice(1).map((line) => JSON.parse(line)) };
}

async function readUnpacked(
  listed: ListedPackage,
  aside: string,
  cacheDirectory: string,
): Promise<{ summary: PackageSummary; documents: ExtractedDocument[]; text: Uint8Array }> {
  const dropped: Dropped = {};
  const drop = (reason: DropReason, bytes: number): void => countDrop(dropped, reason, bytes);
  const root = await packageRoot(listed, aside);
  const licence = await licenceOf(listed, aside, root, cacheDirectory);
  const summary: PackageSummary = {
    rules: extractionRules,
    licence,
    permissive: licence !== undefined && isPermissive(licence),
    dropped,
  };
  const documents: ExtractedDocument[] = [];
  const parts: Uint8Array[] = [];
  const seen = new Set<string>();
  let offset = 0;
  if (!summary.permissive) return { summary, documents, text: new Uint8Array() };
  for (const { path, language, bytes } of await candidates(root, listed.name.startsWith('@types/'), drop)) {
    const source = decodeUtf8(bytes);
    const text = source === undefined ? '' : cleanText(source, language);
    const clean = new TextEncoder().encode(text);
    const fault = source === undefined ? 'not-utf8' : (headFault(source) ?? textFault(text, clean.length, language));
    const hash = createHash('sha256').update(text.replace(/\s+/g, '')).digest('hex').slice(0, 20);
    if (fault !== undefined || seen.has(hash)) {
      drop(fault ?? 'duplicate', bytes.length);
      continue;
    }
    seen.add(hash);
    documents.push({ path: projectPath(listed, path), language, offset, length: clean.length, hash });
    parts.push(clean);
    offset += clean.length;
  }
  return { summary, documents, text: Buffer.concat(parts) };
}

/** The path as the project itself has it: Debian's is without the interpreter's folders. */
function projectPath(listed: ListedPackage, path: string): string {
  return listed.source === 'debian' ? path.replace(/^python3[^/]*\/(dist-packages\/)?/, '') : path;
}

/** Where the package's own files are: npm's one top folder; Debian's Python packages and standard library. */
async function packageRoot(listed: ListedPackage, aside: string): Promise<string> {
  if (listed.source === 'debian') return join(aside, 'usr/lib');
  const [top] = await readdir(aside);
  if (top === undefined) throw new Error('the archive is empty');
  return join(aside, top);
}

async function licenceOf(
  listed: ListedPackage,
  aside: string,
  root: string,
  cacheDirectory: string,
): Promise<string | undefined> {
  if (listed.source === 'npm')
    return packageJsonLicence(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const documentation = join(aside, 'usr/share/doc', listed.name);
  try {
    // Some packages only link to the documentation of another of the same source, which then must be listed too.
    const sibling = basename(await readlink(documentation).catch(() => ''));
    if (sibling !== '') {
      const archive = (await readdir(cacheDirectory)).find((file) => file.startsWith(`debian-${sibling}-`));
      if (archive !== undefined) await run('dpkg-deb', ['-x', join(cacheDirectory, archive), aside]);
    }
    return debianLicence(await readFile(join(documentation, 'copyright'), 'utf8'));
  } catch {
    return undefined;
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
