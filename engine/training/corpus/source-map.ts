/** Original sources inside source maps (`sourcesContent`), with paths made relative to the package. */
import { posix } from 'node:path';

export interface MappedSource {
  path: string;
  text: string;
}

/** The sources that a map carries, or none when it is not a map or carries none. `mapPath` is relative to the package. */
export function mappedSources(mapPath: string, mapText: string): MappedSource[] {
  let map: { sourceRoot?: unknown; sources?: unknown; sourcesContent?: unknown };
  try {
    map = JSON.parse(mapText.replace(/^\)\]\}'[^\n]*\n/, ''));
  } catch {
    return [];
  }
  if (typeof map !== 'object' || map === null || !Array.isArray(map.sources) || !Array.isArray(map.sourcesContent)) {
    return [];
  }
  const root = typeof map.sourceRoot === 'string' ? map.sourceRoot : '';
  const found: MappedSource[] = [];
  for (const [index, source] of map.sources.entries()) {
    const text = map.sourcesContent[index];
    if (typeof source !== 'string' || typeof text !== 'string' || /[?\0]/.test(source)) continue;
    const path = sourcePath(mapPath, root, source);
    if (path !== undefined) found.push({ path, text });
  }
  return found;
}

function sourcePath(mapPath: string, root: string, source: string): string | undefined {
  const named = source.replace(/^[a-z][a-z0-9+.-]*:\/+/i, '');
  const joined = named === source ? posix.join(posix.dirname(mapPath), root, source) : posix.normalize(named);
  const inside = joined.replace(/^(\.?\.?\/)+/, '');
  return inside === '' || inside.includes('node_modules/') ? undefined : inside;
}
