/**
 * The pattern by which a `tokenizer.json` splits text comes from whoever made the file: one that backtracks without end
 * would hang at the next keystroke. What the patterns of real tokenizers need is allowed, and nothing that multiplies.
 */

const LONGEST_PATTERN = 2000;
/** Unbounded quantifiers in one alternative: two make the work grow with the square of a stretch of text, at the worst. */
const MOST_UNBOUNDED = 2;

/** Why a pattern in Oniguruma's syntax is not used; undefined for one that is. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN) return `has ${pattern.length} characters`;
  if (/\\[1-9kg]/.test(pattern)) return 'refers back to what it found';
  // Every character, class and property is one x; what remains is structure.
  let bare = pattern
    .replace(/\\[pP]\{[^}]*\}/g, 'x')
    .replace(/\\./gs, 'x')
    .replace(/\[[^\]]*\]/g, 'x')
    .replace(/\(\?(?:[a-z-]*:|<?[!=]|>)/g, '(');
  for (;;) {
    const group = /\(([^()]*)\)([*+{]?)/.exec(bare);
    if (!group) break;
    const [all, inner = '', quantifier] = group;
    if (quantifier && /[*+{]/.test(inner)) return 'repeats what repeats itself';
    const kept = inner.replaceAll('|', 'x') + quantifier;
    bare = bare.slice(0, group.index) + kept + bare.slice(group.index + all.length);
  }
  for (const alternative of bare.split('|')) {
    const unbounded = alternative.match(/[*+]|\{\d+,\}/g)?.length ?? 0;
    if (unbounded > MOST_UNBOUNDED) return `repeats without bound ${unbounded} times in one alternative`;
  }
  return undefined;
}
