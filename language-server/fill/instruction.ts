/** What the user wants of a fill, in words, as the model reads it: a comment line in the language of the document. */

/** Signs that open, and where needed close, a comment that has a line of its own. */
const SIGNS: readonly (readonly [languages: string, open: string, close?: string])[] = [
  [
    'python ruby perl r julia elixir shellscript powershell makefile cmake dockerfile yaml toml properties coffeescript nix',
    '#',
  ],
  ['sql lua haskell elm ada vhdl', '--'],
  ['lisp clojure scheme emacs-lisp ini asm', ';;'],
  ['latex tex bibtex erlang matlab prolog', '%'],
  ['html xml markdown vue svelte xsl', '<!--', '-->'],
  ['css', '/*', '*/'],
];

/** Longer ones would take the model's room from the text. */
const LONGEST = 400;

/** One line without its break; what would end the comment early is left out. */
export function commentLine(languageId: string, instruction: string): string {
  const [, open, close] = SIGNS.find(([languages]) => languages.split(' ').includes(languageId)) ?? ['', '//'];
  const words = instruction.replace(/\s+/g, ' ').trim().slice(0, LONGEST);
  return close === undefined ? `${open} ${words}` : `${open} ${words.replaceAll(close, '')} ${close}`;
}
