/**
 * A .vsix: a ZIP in the form of the Open Packaging Conventions (ECMA-376, part 2), whose manifest has Visual Studio's
 * schema of 2011. The files lie under `extension/`. Written by hand because the usual tool brings 250 packages along.
 */
import { createWriteStream, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { type PackagedFile, type Platform, packagedFiles, targetName } from './contents.ts';

/** What a package may weigh, in bytes. */
export const LARGEST_PACKAGE = 120e6;

/** The same input gives the same bytes. */
const WRITTEN = new Date('2020-01-01T00:00:00Z');

const MIME: Readonly<Record<string, string>> = {
  '.cjs': 'application/javascript',
  '.css': 'text/css',
  '.js': 'application/javascript',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.mjs': 'application/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.vsixmanifest': 'text/xml',
  '.webp': 'image/webp',
};

export interface Manifest {
  name: string;
  displayName: string;
  description: string;
  version: string;
  publisher: string;
  engines: { vscode: string };
  icon: string;
  categories: string[];
  keywords: string[];
  extensionKind: string[];
}

/** Writes the package aside and renames it, with the addon of another platform where one is named; returns its path and size in bytes. Rejects where it is too large. */
export async function writeVsix(
  project: string,
  platform: Platform,
  folder: string,
  addon?: string,
): Promise<{ path: string; size: number; files: PackagedFile[] }> {
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest;
  const files = packagedFiles(project, platform, addon);
  const path = join(folder, `${manifest.name}-${targetName(platform)}-${manifest.version}.vsix`);
  const aside = `${path}.partial`;

  const zip = new ZipFile();
  const add = (text: string, name: string) => zip.addBuffer(Buffer.from(text), name, { mtime: WRITTEN });
  add(vsixManifest(manifest, platform, files), 'extension.vsixmanifest');
  add(contentTypes(files), '[Content_Types].xml');
  for (const { path: file, from = file, executable } of files) {
    if (file === 'package.json') add(installedManifest(manifest), 'extension/package.json');
    else zip.addFile(join(project, from), `extension/${file}`, { mtime: WRITTEN, mode: executable ? 0o755 : 0o644 });
  }
  zip.end();
  try {
    await pipeline(zip.outputStream, createWriteStream(aside));
    const { size } = statSync(aside);
    if (size > LARGEST_PACKAGE) {
      throw new Error(`${path} would have ${megabytes(size)}; it may have ${megabytes(LARGEST_PACKAGE)}.`);
    }
    renameSync(aside, path);
    return { path, size, files };
  } finally {
    rmSync(aside, { force: true });
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** What only a developer needs stays behind. */
function installedManifest(manifest: Manifest): string {
  const { scripts, devDependencies, dependencies, files, bin, ...installed } = manifest as Manifest &
    Record<'scripts' | 'devDependencies' | 'dependencies' | 'files' | 'bin', unknown>;
  return JSON.stringify(installed, null, 2);
}

export function vsixManifest(manifest: Manifest, platform: Platform, files: readonly PackagedFile[]): string {
  const has = (name: string) => files.some(({ path }) => path === name);
  const languages = files.flatMap(({ path }) => /^package\.nls\.(.+)\.json$/.exec(path)?.[1] ?? []);
  const property = (id: string, value: string) => `<Property Id="Microsoft.VisualStudio.${id}" Value="${xml(value)}"/>`;
  const asset = (type: string, path: string) =>
    has(path) ? `<Asset Type="Microsoft.VisualStudio.${type}" Path="extension/${xml(path)}" Addressable="true"/>` : '';
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011" xmlns:d="http://schemas.microsoft.com/developer/vsx-schema-design/2011">
<Metadata>
<Identity Language="en-US" Id="${xml(manifest.name)}" Version="${xml(manifest.version)}" Publisher="${xml(manifest.publisher)}" TargetPlatform="${xml(targetName(platform))}"/>
<DisplayName>${xml(manifest.displayName)}</DisplayName>
<Description xml:space="preserve">${xml(manifest.description)}</Description>
<Tags>${xml(manifest.keywords.join(','))}</Tags>
<Categories>${xml(manifest.categories.join(','))}</Categories>
<GalleryFlags>Public</GalleryFlags>
<Properties>
${property('Code.Engine', manifest.engines.vscode)}
${property('Code.ExtensionKind', manifest.extensionKind.join(','))}
${property('Code.LocalizedLanguages', languages.join(','))}
${property('Code.ExecutesCode', 'true')}
${property('Services.GitHubFlavoredMarkdown', 'true')}
</Properties>
<License>extension/LICENSE</License>
<Icon>extension/${xml(manifest.icon)}</Icon>
</Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
<Dependencies/>
<Assets>
${asset('Code.Manifest', 'package.json')}
${asset('Services.Content.Details', 'README.md')}
${asset('Services.Content.Changelog', 'CHANGELOG.md')}
${asset('Services.Content.License', 'LICENSE')}
${asset('Services.Icons.Default', manifest.icon)}
</Assets>
</PackageManifest>
`;
}

/** Every part needs a type by its ending, or by its name where it has none. */
function contentTypes(files: readonly PackagedFile[]): string {
  const endings = new Set(['.json', '.vsixmanifest', ...files.map(({ path }) => extname(path).toLowerCase())]);
  const byEnding = [...endings]
    .filter((ending) => ending !== '')
    .sort()
    .map(
      (ending) => `<Default Extension="${xml(ending)}" ContentType="${MIME[ending] ?? 'application/octet-stream'}"/>`,
    );
  const byName = files
    .filter(({ path }) => extname(path) === '')
    .map(({ path }) => `<Override PartName="/extension/${xml(path)}" ContentType="text/plain"/>`);
  return `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">${[...byEnding, ...byName].join('')}</Types>
`;
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
