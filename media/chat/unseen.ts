/**
 * Characters that a person cannot see, or that change the order of what is seen: what a model writes may hold them to
 * hide something. They are shown by their number, and never reach a file or the clipboard.
 */

/** Control, format, private and unassigned characters, lone surrogates; fillers, joiners and selectors without a shape. */
const UNSEEN =
  /(?![\n\t])\p{C}|\u034f|[\u2028\u2029\u115f\u1160\u3164\uffa0]|[\u17b4\u17b5]|[\u{e0100}-\u{e01ef}]|[\ufe00-\ufe0f]|[\u180b-\u180d]/gu;
/** An emoji made of several; joiners between letters of scripts that need them. */
const MEANT =
  /\p{Extended_Pictographic}\p{EMod}?\ufe0f?(?:\u200d\p{Extended_Pictographic}\p{EMod}?\ufe0f?)*|[0-9#*]\ufe0f\u20e3|(?<=[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Sinhala}])[\u200c\u200d](?=[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Sinhala}])/gu;

export interface Stretch {
  text: string;
  /** Whether the text stands for a character that cannot be seen. */
  unseen: boolean;
}

/** The text with each unseen character named, such as `‹202E›`. */
export function seen(text: string): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (const at of unseenIn(text)) {
    if (at > from) stretches.push({ text: text.slice(from, at), unseen: false });
    const code = text.codePointAt(at) as number;
    stretches.push({ text: `‹${code.toString(16).toUpperCase()}›`, unseen: true });
    from = at + String.fromCodePoint(code).length;
  }
  if (from < text.length) stretches.push({ text: text.slice(from), unseen: false });
  return stretches;
}

/** The text as it is shown, without the unseen: for files and the clipboard. */
export function withoutUnseen(text: string): string {
  return seen(text)
    .filter(({ unseen }) => !unseen)
    .map((stretch) => stretch.text)
    .join('');
}

function unseenIn(text: string): number[] {
  const meant = [...text.matchAll(MEANT)].map(({ index, 0: match }) => [index, index + match.length] as const);
  const found: number[] = [];
  let next = 0;
  for (const { index } of text.matchAll(UNSEEN)) {
    while (meant[next] && (meant[next]?.[1] as number) <= index) next++;
    if (index < (meant[next]?.[0] ?? Number.POSITIVE_INFINITY)) found.push(index);
  }
  return found;
}
