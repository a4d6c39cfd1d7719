/** Holes that people write into text to be filled later: `…`, `___`, a TODO comment. What counts is a setting. */

/** Characters [start, end) of a text. */
export interface TextRange {
  start: number;
  end: number;
}

export interface Hole extends TextRange {
  /** What the hole says in words, for the model to read; empty for a mere sign. */
  hint: string;
}

export interface HolePatterns {
  patterns: RegExp[];
  /** One sentence for each pattern that is no regular expression; the others still count. */
  problems: string[];
}

/** Patterns as the setting has them: regular expressions in JavaScript's syntax. */
export function compileHoles(sources: readonly unknown[]): HolePatterns {
  const patterns: RegExp[] = [];
  const problems: string[] = [];
  for (const source of sources) {
    try {
      if (typeof source !== 'string') throw new Error('it must be a text');
      patterns.push(new RegExp(source, 'gmu'));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push(`Setting cloze.fill.holes: ${JSON.stringify(source)} is not used: ${why}.`);
    }
  }
  return { patterns, problems };
}

/** In the order of the text; of two that overlap the one that starts first, then the longer one. */
export function findHoles(text: string, patterns: readonly RegExp[]): Hole[] {
  const found: Hole[] = [];
  for (const pattern of patterns) {
    for (const { index, 0: match } of text.matchAll(pattern)) {
      if (match === '') continue;
      found.push({ start: index, end: index + match.length, hint: /\p{L}/u.test(match) ? match : '' });
    }
  }
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const holes: Hole[] = [];
  for (const hole of found) if (hole.start >= (holes.at(-1)?.end ?? 0)) holes.push(hole);
  return holes;
}
