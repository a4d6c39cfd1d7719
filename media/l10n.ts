/** The language of the pages: English sentences are the keys, as for the extension; the extension hands over the rest. */

const bundle = givenBundle();

/** The sentence in the editor's language, `{0}`, `{1}` … replaced by the values. */
export function t(text: string, ...values: (string | number)[]): string {
  const found = bundle[text] ?? text;
  return found.replace(/\{(\d+)\}/g, (placeholder, index: string) => String(values[Number(index)] ?? placeholder));
}

/** A block of data in the page, which no browser runs; without one, all is English. */
function givenBundle(): Readonly<Record<string, string>> {
  const data = globalThis.document?.getElementById('l10n')?.textContent;
  const bundle: unknown = data ? JSON.parse(data) : {};
  return Object.fromEntries(Object.entries(bundle ?? {}).filter(([, text]) => typeof text === 'string'));
}
