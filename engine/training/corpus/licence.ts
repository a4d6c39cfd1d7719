/** Decides from a package's own statement whether its licence is a permissive one. What is unclear counts as no. */

const permissive = new Set(
  [
    'MIT',
    'MIT-0',
    'Expat',
    'ISC',
    '0BSD',
    'BSD',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'BSD-4-Clause',
    'BSD-2',
    'BSD-3',
    'Apache-2.0',
    'Apache-2',
    'Apache',
    'Unlicense',
    'CC0-1.0',
    'CC0',
    'BlueOak-1.0.0',
    'Zlib',
    'PSF-2.0',
    'PSF-2',
    'PSF',
    'Python-2.0',
    'Python',
    'BSL-1.0',
    'public-domain',
    'HPND',
    'WTFPL',
    'Biopython',
  ].map((name) => name.toLowerCase()),
);

/**
 * An SPDX expression or Debian's short form of one: one permissive name suffices of those joined by `OR`, all must be
 * permissive of those joined by `AND` (Debian writes `and`, `or`, and a comma before `and`).
 */
export function isPermissive(expression: string): boolean {
  const words = expression
    .replace(/[()]/g, ' ')
    .replace(/,/g, ' ')
    .trim()
    .split(/\s+(or|and)\s+/i);
  if (words[0] === '') return false;
  // AND binds closer than OR; parentheses that would change this make the answer stricter or equal in practice.
  let anyAlternative = false;
  let allOfAlternative = true;
  for (const [index, word] of words.entries()) {
    if (index % 2 === 1) {
      if (word.toLowerCase() === 'or') {
        anyAlternative ||= allOfAlternative;
        allOfAlternative = true;
      }
    } else {
      allOfAlternative &&= isPermissiveName(word);
    }
  }
  return anyAlternative || allOfAlternative;
}

function isPermissiveName(name: string): boolean {
  const plain = name.trim().toLowerCase();
  return permissive.has(plain) || permissive.has(plain.replace(/[-~](style|like|modified|[a-z]+)$/, ''));
}

/** The `license` of a package.json, in today's form or the two old ones. */
export function packageJsonLicence(manifest: unknown): string | undefined {
  const { license, licenses } = (manifest ?? {}) as { license?: unknown; licenses?: unknown };
  const name = (value: unknown): string | undefined => {
    if (typeof value === 'string') return value;
    const type = (value as { type?: unknown } | null | undefined)?.type;
    return typeof type === 'string' ? type : undefined;
  };
  if (Array.isArray(licenses)) return licenses.map((entry) => name(entry) ?? 'unknown').join(' OR ');
  return name(license);
}

/**
 * The licence of the `Files: *` stanza of a Debian copyright file (format 1.0). Of free-form files only Python's own is
 * known. `undefined` when there is no such statement.
 */
export function debianLicence(copyright: string): string | undefined {
  if (/^\s*Format:/im.test(copyright.slice(0, 2000))) {
    for (const stanza of copyright.replace(/\r/g, '').split(/\n[ \t]*\n/)) {
      if (/^Files:\s*\*\s*$/m.test(stanza)) return /^License:[ \t]*(.+)$/m.exec(stanza)?.[1]?.trim();
    }
    return undefined;
  }
  return copyright.includes('PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2') ? 'PSF-2.0' : undefined;
}

/** Whether the head of a single file states a licence that the corpus leaves out, whatever its package says. */
export function statesCopyleft(head: string): boolean {
  // The sentence may run over several lines of a comment.
  const prose = head.replace(/[\s#*/;]+/g, ' ');
  return (
    /GNU (Lesser |Library |Affero )?General Public Licen[sc]e|Mozilla Public Licen[sc]e/i.test(prose) ||
    /SPDX-License-Identifier: (AGPL|GPL|LGPL|MPL|EPL|CDDL|SSPL|BUSL)/i.test(prose)
  );
}
