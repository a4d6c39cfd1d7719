/**
 * The hand-made, versioned list of packages that the corpus is made of (`packages.json`): npm packages as
 * `name@version`, Debian packages as `name=version`, each in the training split or held out as a whole.
 */
export type PackageSource = 'npm' | 'debian';
export type CorpusSplit = 'train' | 'heldout';

export interface ListedPackage {
  source: PackageSource;
  name: string;
  version: string;
  split: CorpusSplit;
}

const separators: Record<PackageSource, string> = { npm: '@', debian: '=' };

/** Reads the parsed JSON of the list. Throws with the entry at fault when it is not in the expected form. */
export function parsePackageList(json: unknown): ListedPackage[] {
  const list = json as Partial<Record<PackageSource, Partial<Record<CorpusSplit, unknown>>>> | null;
  if (typeof list !== 'object' || list === null) throw new Error('The package list is not a JSON object.');
  const packages: ListedPackage[] = [];
  const seen = new Set<string>();
  for (const source of ['npm', 'debian'] as const) {
    for (const split of ['train', 'heldout'] as const) {
      const entries = list[source]?.[split] ?? [];
      if (!Array.isArray(entries)) throw new Error(`The package list's "${source}.${split}" is not an array.`);
      for (const entry of entries) {
        const listed = parseEntry(source, split, entry);
        const key = `${source}:${listed.name}`;
        if (seen.has(key)) throw new Error(`The package list names ${listed.name} (${source}) twice.`);
        seen.add(key);
        packages.push(listed);
      }
    }
  }
  if (packages.length === 0) throw new Error('The package list is empty.');
  return packages;
}

function parseEntry(source: PackageSource, split: CorpusSplit, entry: unknown): ListedPackage {
  const separator = separators[source];
  const at = typeof entry === 'string' ? entry.lastIndexOf(separator) : -1;
  const name = typeof entry === 'string' ? entry.slice(0, at) : '';
  const version = typeof entry === 'string' ? entry.slice(at + 1) : '';
  const nameOk =
    source === 'npm'
      ? /^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/.test(name)
      : /^[a-z0-9][a-z0-9+.-]+$/.test(name);
  if (at <= 0 || !nameOk || !/^[0-9A-Za-z.+:~-]+$/.test(version)) {
    throw new Error(
      `The package list's ${source}.${split} has ${JSON.stringify(entry)}; expected "name${separator}version".`,
    );
  }
  return { source, name, version, split };
}

/** A name for files: `@scope/name` 1.0 of npm becomes `npm-scope-name-1.0`. */
export function packageFileStem({ source, name, version }: ListedPackage): string {
  return `${source}-${`${name}-${version}`.replace(/^@/, '').replace(/[^A-Za-z0-9.+-]/g, '-')}`;
}
