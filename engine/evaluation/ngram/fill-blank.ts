/** Fills a blank token by token with whatever predicts the next token, and ends it as befits the kind of the task. */
import { vocabularyOf } from '../../infill/healing.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Task } from '../task.ts';

/** What predicts the next token after the tokens of a history. */
export interface NextToken {
  /** Probabilities of all tokens. */
  distribution(history: readonly number[]): Float64Array;
  probability(history: readonly number[], token: number): number;
}

/**
 * Where a blank begins: the last tokens before it, as many as contexts have, then bytes that stand before it too, with which
 * what is written has to begin.
 */
export interface Beginning {
  tokens: readonly number[];
  healed: Uint8Array;
}

/** Tokens written at most, as of the model: in a line, and in several. */
const LINE_TOKENS = 128;
const LINES_TOKENS = 222;
const [LEAST_LINES, MOST_LINES] = [2, 8];
/** Characters after a blank that its possible ends are held against: further than contexts of a few tokens reach. */
const FOLLOWING = 40;

/** Fills blanks with the tokens of `tokenizer`. */
export function blankFiller(tokenizer: Tokenizer, beams: number) {
  const { agreeing } = vocabularyOf(tokenizer);
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, token) => token);
  const drawable = ids.filter((token) => tokenizer.bytes(token).length > 0);
  const breaks = Uint8Array.from(ids, (token) => Number(isBreak(tokenizer.bytes(token))));

  /** The tokens that may be next, the most probable first, one for each beam; the end of the line as `undefined` among them. */
  const continuations = (written: Written, next: NextToken, isLastLine: boolean): Continuation[] => {
    const probabilities = next.distribution(written.history);
    const best: Continuation[] = [];
    const offer = (token: number | undefined, probability: number) => {
      if (best.length === beams && probability <= (best[beams - 1] as Continuation).probability) return;
      const at = best.findIndex((other) => probability > other.probability);
      best.splice(at < 0 ? best.length : at, 0, { token, probability });
      if (best.length > beams) best.pop();
    };
    let ending = 0;
    for (const token of written.pending.length > 0 ? agreeing(written.pending) : drawable) {
      const probability = probabilities[token] as number;
      if (isLastLine && breaks[token] === 1) ending += probability;
      else offer(token, probability);
    }
    if (ending > 0) offer(undefined, ending);
    return best;
  };

  /**
   * The most probable texts of `lines` lines that a beam search finds. The last line ends with any of the tokens that begin
   * with a line break.
   */
  const write = ({ tokens, healed }: Beginning, next: NextToken, lines: number): string[] => {
    let beam: Written[] = [{ history: tokens, bytes: [], pending: healed, lines: 1, score: 0, isOver: false }];
    for (let steps = lines === 1 ? LINE_TOKENS : LINES_TOKENS; steps > 0; steps--) {
      if (beam.every(({ isOver }) => isOver)) break;
      beam = beam
        .flatMap((written) =>
          written.isOver
            ? [written]
            : continuations(written, next, written.lines >= lines).map((continuation) =>
                continued(written, continuation),
              ),
        )
        .sort((one, other) => other.score - one.score)
        .slice(0, beams);
    }
    return [...new Set(beam.map(({ bytes }) => textOf(bytes)))];
  };

  const continued = (written: Written, { token, probability }: Continuation): Written => {
    const score = written.score + Math.log(probability);
    if (token === undefined) return { ...written, score, isOver: true };
    const own = tokenizer.bytes(token);
    const added = own.subarray(written.pending.length);
    return {
      history: [...written.history, token],
      bytes: [...written.bytes, ...added],
      pending: written.pending.subarray(own.length),
      lines: written.lines + added.filter((byte) => byte === LINE_FEED).length,
      score,
      isOver: false,
    };
  };

  /** The span after which the text that follows the blank is the most probable together with it; the first of equals. */
  const likeliest = (
    spans: readonly string[],
    after: string,
    { tokens, healed }: Beginning,
    next: NextToken,
  ): string => {
    const following = after.slice(0, FOLLOWING);
    let best = { span: '', score: Number.NEGATIVE_INFINITY };
    for (const span of spans) {
      const history = [...tokens];
      let score = 0;
      for (const token of tokenizer.encodeBytes(Buffer.concat([healed, Buffer.from(span + following)]))) {
        score += Math.log(next.probability(history, token));
        history.push(token);
        if (score <= best.score) break;
      }
      if (score > best.score) best = { span, score };
    }
    return best.span;
  };

  return (task: Task, beginning: Beginning, next: NextToken): string => {
    const severalLines = task.kind === '2-8 lines';
    const ends = severalLines ? endsOfLines : task.kind === 'character span' ? endsOfCharacters : undefined;
    const texts = write(beginning, next, severalLines ? MOST_LINES : 1);
    return likeliest([...new Set(ends ? texts.flatMap(ends) : texts)], task.after, beginning, next);
  };
}

/** A text that is being written: `pending` are bytes that it still has to begin with, `score` its log probability. */
interface Written {
  history: readonly number[];
  bytes: readonly number[];
  pending: Uint8Array;
  lines: number;
  score: number;
  isOver: boolean;
}

interface Continuation {
  token: number | undefined;
  probability: number;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

function isBreak([first]: Uint8Array): boolean {
  return first === LINE_FEED || first === CARRIAGE_RETURN;
}

/** Without the first half of a line break, or of a character, at the end. */
function textOf(bytes: readonly number[]): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/[\r\ufffd]+$/, '');
}

/** The text after 2 lines, 3 lines …; the last of them is not empty. */
function endsOfLines(text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) =>
    index + 1 >= LEAST_LINES && index < MOST_LINES && line.trim() !== '' ? [lines.slice(0, index + 1).join('\n')] : [],
  );
}

/** The text after each of its characters. */
function endsOfCharacters(text: string): string[] {
  let written = '';
  return Array.from(text, (character) => {
    written += character;
    return written;
  });
}
