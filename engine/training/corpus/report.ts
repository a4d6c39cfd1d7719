/** What a packed corpus is made of, what was left out and why, as Markdown from its manifest. */
import { addDropped, type CorpusManifest, type ManifestSplit } from './manifest.ts';
import { nearCopySimilarity } from './near-copies.ts';
import type { DropReason } from './quality.ts';

const reasons: Record<DropReason, string> = {
  'not-utf8': 'not UTF-8, or with zero bytes',
  'too-small': 'less than 200 bytes',
  'too-large': 'more than 200 kB; JSON, CSS and HTML more than 20 kB',
  'long-lines': 'a line of more than 500 characters, or lines of more than 100 on average (Markdown: one of 2,000)',
  data: 'a table: less than a third letters or more than a sixth digits',
  encoded: 'more than a twentieth in long runs of base64 or hexadecimal',
  repetitive: 'a hundred lines or more, less than a quarter of them different',
  generated: 'its head says that a program wrote it',
  compiled: 'marks of compilers and bundlers',
  secret: 'what looks like a key, a token or a password',
  'copyleft-header': "its head states a licence other than the package's, with copyleft",
  'excluded-path': "others' code, fixtures, translations, change logs, minified files, by path",
  declaration: 'a declaration file beside its source',
  'compiled-beside-source': 'compiled, with its source in the same package; or another build of one file',
  duplicate: 'the same as another document but for white space',
  'near-duplicate': `nearly another document: ${nearCopySimilarity} of the five-token shingles or more in common`,
  'near-held-out': `the same measure, nearly a document of a held-out package`,
  'share-limit': 'tests beyond a quarter of a package, large packages and languages beyond their share',
};

const mostPairs = 15;

export function corpusReport(manifest: CorpusManifest): string {
  const { splits, packages, missing } = manifest;
  const closed = packages.filter(({ permissive }) => !permissive);
  return [
    '# Corpus',
    `${packages.length - closed.length} packages, seed ${manifest.seed}, fingerprint ${manifest.fingerprint.slice(0, 12)}, tokenizer ${manifest.tokenizer.sha256.slice(0, 12)}.`,
    ...splitReport('Training', splits.train),
    ...splitReport('Held out', splits.heldout),
    ...droppedReport(manifest),
    ...copiesReport(manifest),
    '## Packages left out',
    ...list([
      ...closed.map(({ name, version, licence }) => `${name} ${version}: licence ${licence ?? 'not stated'}`),
      ...missing.map(({ name, version, reason }) => `${name} ${version}: ${reason}`),
    ]),
    '## Licences',
    ...list(licenceLines(manifest)),
  ]
    .join('\n\n')
    .concat('\n');
}

function splitReport(title: string, split: ManifestSplit): string[] {
  const rows = Object.entries(split.languages).sort(([, a], [, b]) => b.bytes - a.bytes);
  return [
    `## ${title}`,
    table(
      ['language', 'documents', 'MB', 'share of the bytes', 'million tokens'],
      [...rows, ['everything', split] as const].map(([name, { documents, bytes, tokens }]) => [
        name,
        documents.toLocaleString('en'),
        megabytes(bytes),
        percent(bytes, split.bytes),
        (tokens / 1e6).toFixed(2),
      ]),
    ),
  ];
}

function droppedReport({ packages, splits }: CorpusManifest): string[] {
  const dropped = addDropped(...packages.map((entry) => entry.dropped));
  const entries = Object.entries(dropped).sort(([, a], [, b]) => b.bytes - a.bytes);
  const kept = splits.train.bytes + splits.heldout.bytes;
  const all = entries.reduce((sum, [, { bytes }]) => sum + bytes, kept);
  return [
    '## Left out, by reason',
    `Kept: ${megabytes(kept)} MB of ${megabytes(all)} MB of text files in known languages.`,
    table(
      ['reason', 'files', 'MB', 'share of the bytes', 'what it means'],
      entries.map(([reason, { files, bytes }]) => [
        reason,
        files.toLocaleString('en'),
        megabytes(bytes),
        percent(bytes, all),
        reasons[reason as DropReason] ?? '',
      ]),
    ),
  ];
}

function copiesReport({ nearCopies }: CorpusManifest): string[] {
  if (!nearCopies) return [];
  const within = nearCopies.filter((pair) => pair.package === pair.of);
  const across = nearCopies.filter((pair) => pair.package !== pair.of);
  const sum = (pairs: typeof nearCopies) =>
    `${pairs.reduce((files, pair) => files + pair.files, 0).toLocaleString('en')} files, ${megabytes(pairs.reduce((bytes, pair) => bytes + pair.bytes, 0))} MB`;
  return [
    '## Near-duplicates',
    `Across packages ${sum(across)}; within one package ${sum(within)}. The largest pairs:`,
    table(
      ['left out of', 'nearly text of', 'files', 'MB'],
      across
        .slice(0, mostPairs)
        .map((pair) => [
          pair.package,
          pair.heldout ? `${pair.of} (held out)` : pair.of,
          pair.files.toLocaleString('en'),
          megabytes(pair.bytes),
        ]),
    ),
  ];
}

function licenceLines({ packages }: CorpusManifest): string[] {
  const names = new Map<string, string[]>();
  for (const { name, licence, permissive } of packages) {
    if (permissive && licence) names.set(licence, [...(names.get(licence) ?? []), name]);
  }
  return [...names]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([licence, own]) => `${licence}: ${own.join(', ')}`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function list(lines: readonly string[]): string[] {
  return [lines.length === 0 ? 'None.' : lines.map((line) => `- ${line}`).join('\n')];
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(2)} %`;
}
