/** Edit scripts: what a person does who writes a held-out text again: typing, slips that are corrected, jumps. */
import { createRandom, type Random } from '../../../engine/objective/random.ts';
import { drawHoles, type Source } from '../golf/holes.ts';

export interface Script {
  path: string;
  language: string;
  /** The document as it is at first. */
  text: string;
  /** One after another; the cursor jumps from the end of one to the beginning of the next. */
  stretches: Stretch[];
}

export interface Stretch {
  /** Where it begins in the document as it then is. */
  at: number;
  text: string;
  slips: Slip[];
}

/** A wrong key, noticed and deleted at once; it does not happen where a suggestion was taken over it. */
export interface Slip {
  /** Characters of the stretch before it. */
  after: number;
  key: string;
}

/** One slip for about so many characters. */
const SLIP_EVERY = 30;
const KEYS = 'abcdefghijklmnopqrstuvwxyz';

/**
 * Two stretches of each source where it is long enough: the person writes half of the first, then the second further
 * below, and comes back for the rest. `length`: characters of the first; the second has half of that.
 */
export function drawScripts(sources: readonly Source[], length: number): Script[] {
  const random = createRandom(4);
  return sources.map((source) => scriptFor(source, length, random));
}

function scriptFor({ path, language, text }: Source, length: number, random: Random): Script {
  const [first] = drawHoles([{ path, language, text }], length);
  if (!first) throw new Error(`${path} has no stretch to type.`);
  const { before, typed, after } = first;
  const stretch = (at: number, of: string): Stretch => ({ at, text: of, slips: slipsIn(of, random) });
  const half = typed.indexOf('\n', typed.length / 2);
  // Three times: the second stretch shall not stand next to the first.
  const [second] =
    half > 0 && after.length > 3 * length ? drawHoles([{ path, language, text: after }], length / 2) : [];
  if (!second) return { path, language, text: before + after, stretches: [stretch(before.length, typed)] };
  const middle = before.length + half;
  return {
    path,
    language,
    text: before + second.before + second.after,
    stretches: [
      stretch(before.length, typed.slice(0, half)),
      stretch(middle + second.before.length, second.typed),
      stretch(middle, typed.slice(half)),
    ],
  };
}

function slipsIn(text: string, random: Random): Slip[] {
  const slips: Slip[] = [];
  for (let after = 1; after < text.length; after++) {
    const right = text[after] as string;
    const key = KEYS[random.below(KEYS.length)] as string;
    if (random.below(SLIP_EVERY) === 0 && /[a-z]/i.test(right) && key !== right.toLowerCase())
      slips.push({ after, key });
  }
  return slips;
}
