/** How near a prediction comes to what stood in the blank. White space at the very end counts for neither. */

/** What the figures of a report mean. */
export const METRICS: readonly string[] = [
  'exact match: equal after white space at the end of the span is trimmed. edit similarity: 1 - Levenshtein distance / length of the longer text, after the same trimming.',
  'bits per byte: -log2 of the probability of the true span and its end given the text around it, in the tokenizer’s own cut, by the UTF-8 bytes of the span.',
];

/** Equal but for white space at the end of the whole span. */
export function isExactMatch(predicted: string, expected: string): boolean {
  return predicted.trimEnd() === expected.trimEnd();
}

/** 1 - distance / length of the longer one, in UTF-16 units, after the same trimming; 1 for two empty texts. */
export function editSimilarity(predicted: string, expected: string): number {
  const [a, b] = [predicted.trimEnd(), expected.trimEnd()];
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 1 : 1 - editDistance(a, b) / longer;
}

/** Levenshtein's distance: least number of units inserted, deleted or replaced. One row of the table is kept. */
export function editDistance(a: string, b: string): number {
  const row = Uint32Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] as number;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] as number;
      const replaced = diagonal + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      row[j] = Math.min(replaced, above + 1, (row[j - 1] as number) + 1);
      diagonal = above;
    }
  }
  return row[b.length] as number;
}
