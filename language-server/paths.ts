/** Document addresses as the model reads them: relative to the workspace, forward slashes, no percent signs. */

/** The path of a document below the innermost root that holds it; its last part if none does. */
export function relativePath(uri: string, roots: string[]): string {
  const path = pathOf(uri);
  const root = roots
    .map((address) => `${pathOf(address).replace(/\/+$/, '')}/`)
    .filter((folder) => path.startsWith(folder))
    .sort((a, b) => b.length - a.length)[0];
  return root === undefined ? path.slice(path.lastIndexOf('/') + 1) : path.slice(root.length);
}

function pathOf(uri: string): string {
  const path = /^[a-z][a-z0-9+.-]*:(?:\/\/[^/]*)?([^?#]*)/i.exec(uri)?.[1] ?? uri;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
