/**
 * Instruction samples made of the corpus: where code has a described function or commented lines, the description, the
 * body, the name or the comment becomes the blank of a passage that asks for it (infill/instruction.ts).
 */

import type { Neighbour } from '../infill/fill.ts';
import { type InstructionTask, instructionHeader, instructionTasks, REQUESTS } from '../infill/instruction.ts';
import { neighbourTokens } from '../infill/passage.ts';
import { blankInfilling, type InfillingSample } from '../objective/blank-infilling.ts';
import type { Random } from '../objective/random.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CharacterRange } from './code-blanks.ts';
import { type CodeFunction, codeFunctions, commentedLines } from './code-functions.ts';
import type { PackedCorpus } from './corpus/packed-corpus.ts';
import { encodeAround, framingTokens } from './samples.ts';
import { counterparts, testPairs } from './test-pairs.ts';

export interface InstructionSource {
  tokenizer: Tokenizer;
  corpus: PackedCorpus;
  /** Rows that the model takes: longer samples are left out. */
  maxLength: number;
}

/** A task with the passage it is asked in, as characters of a text. */
export interface Instruction {
  task: InstructionTask;
  passage: CharacterRange;
  /** What is to be answered, within the passage. */
  answer: CharacterRange;
}

const LANGUAGES = new Set(['typescript', 'javascript', 'python']);
/** Tokens of a document that are looked through for one sample. */
const SEARCHED = 3000;
const MOST_ATTEMPTS = 40;
/** Lines of the file around what is asked about. */
const MOST_LINES_AROUND = 12;
/** Characters of an answer: shorter ones say nothing, longer ones take the room of the passage. */
const LEAST_DESCRIPTION = 24;
const LONGEST_ANSWER = 1200;
/** More than a function of that length and its header have. */
const MOST_NEIGHBOUR_TOKENS = 1500;

/** Draws one sample; undefined when many documents had nothing to ask about. */
export function drawInstructionSample(source: InstructionSource, random: Random): InfillingSample | undefined {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const sample = trySample(source, random);
    if (sample && sample.tokens.length <= source.maxLength) return sample;
  }
  return undefined;
}

/** An instruction in the text that it is asked about. */
interface Asked extends Instruction {
  path: string;
  text: string;
  /** Whether the text goes on to the end of its document. */
  ends: boolean;
  /** What is asked about, where it is in another file. */
  about?: Neighbour;
}

function trySample({ tokenizer, corpus }: InstructionSource, random: Random): InfillingSample | undefined {
  const index = corpus.documentAt(random.below(corpus.tokens));
  const { tokens, path, language } = corpus.document(index);
  if (!LANGUAGES.has(language)) return undefined;
  const start = tokens.length <= SEARCHED ? 0 : random.below(tokens.length - SEARCHED + 1);
  const text = tokenizer.decode(tokens.subarray(start, start + SEARCHED));
  const ends = start + SEARCHED >= tokens.length;
  const found: Asked[] = [
    ...instructionsIn(language, text).map((own) => ({ ...own, path, text, ends })),
    ...testsAsked(tokenizer, corpus, index),
  ];
  const possible = instructionTasks.filter((task) => found.some((own) => own.task === task));
  if (possible.length === 0) return undefined;
  const task = possible[random.below(possible.length)] as InstructionTask;
  const own = found.filter((instruction) => instruction.task === task);
  return sampleOf(tokenizer, own[random.below(own.length)] as Asked, random);
}

function sampleOf(tokenizer: Tokenizer, asked: Asked, random: Random): InfillingSample {
  const { task, passage, answer, path, text, about } = asked;
  // A name must not be told by the text around the function.
  const { start: from, end: to } = task === 'name' ? passage : widened(text, passage, random);
  const within = { start: answer.start - from, end: answer.end - from };
  const requests = REQUESTS[task];
  const request = requests[random.below(requests.length)] as string;

  const special = framingTokens(tokenizer);
  const before = about ? neighbourTokens(tokenizer, [about], MOST_NEIGHBOUR_TOKENS) : [];
  const head = [special.enc, ...before, ...instructionHeader(tokenizer, path, request)];
  const { tokens: body, spans } = encodeAround(tokenizer, text.slice(from, to), [within]);
  const isEnd = asked.ends && to === text.length;
  const shifted = spans.map((span) => ({ start: span.start + head.length, end: span.end + head.length }));
  const ids = { mask: special.sentenceMask, sop: special.sop, eop: special.eop };
  return blankInfilling([...head, ...body, ...(isEnd ? [special.eos] : [])], shifted, ids);
}

/** The tests that document `index` has, or that it is tested by, of functions short enough to be shown whole. */
function testsAsked(tokenizer: Tokenizer, corpus: PackedCorpus, index: number): Asked[] {
  return counterparts(corpus, index).flatMap((pair) => {
    const [source, tests] = [corpus.document(pair.source), corpus.document(pair.tests)];
    if (!LANGUAGES.has(source.language)) return [];
    const beginning = (tokens: Uint16Array) => tokenizer.decode(tokens.subarray(0, SEARCHED));
    const [code, text] = [beginning(source.tokens), beginning(tests.tokens)];
    return testPairs(source.language, code, text).flatMap(({ subject, test }) => {
      if (subject.end - subject.start > LONGEST_ANSWER || test.end - test.start > LONGEST_ANSWER) return [];
      const about = { path: source.path, text: code.slice(subject.start, subject.end) };
      const ends = tests.tokens.length <= SEARCHED;
      return [{ task: 'test' as const, passage: test, answer: test, path: tests.path, text, ends, about }];
    });
  });
}

/** Whole lines before and after a range, a random number of each. */
function widened(text: string, range: CharacterRange, random: Random): CharacterRange {
  let start = text.lastIndexOf('\n', range.start - 1) + 1;
  for (let lines = random.below(MOST_LINES_AROUND + 1); lines > 0 && start > 0; lines--) {
    start = text.lastIndexOf('\n', start - 2) + 1;
  }
  let end = range.end;
  for (let lines = random.below(MOST_LINES_AROUND + 1); lines >= 0 && end < text.length; lines--) {
    const next = text.indexOf('\n', end + 1);
    end = next < 0 ? text.length : next;
  }
  return { start, end };
}

/** Everything that can be asked about a text, in its order. */
export function instructionsIn(language: string, text: string): Instruction[] {
  const found: Instruction[] = [];
  const add = (task: InstructionTask, passage: CharacterRange, answer: CharacterRange) => {
    if (answer.end - answer.start <= LONGEST_ANSWER) found.push({ task, passage, answer });
  };
  for (const own of codeFunctions(language, text)) {
    const { whole, description, body, name } = own;
    if (description && isDescription(text.slice(description.start, description.end))) {
      add('document', whole, description);
      add('implement', whole, body);
    }
    if (isTelling(own, text)) add('name', whole, name);
  }
  for (const { comment, lines } of commentedLines(language, text)) {
    const words = text.slice(comment.start, comment.end);
    if (isDescription(words) && !isDirective(words)) add('comment', { start: comment.start, end: lines.end }, comment);
  }
  return found.sort((a, b) => a.passage.start - b.passage.start);
}

/** Four words or more, mostly in Latin letters: other languages are too rare in the corpus to be learnt. */
function isDescription(comment: string): boolean {
  const words = comment.match(/[A-Za-z]{2,}/g) ?? [];
  const other = comment.match(/[^\p{ASCII}]/gu)?.length ?? 0;
  return comment.length >= LEAST_DESCRIPTION && words.length >= 4 && other * 10 < comment.length;
}

const DIRECTIVE =
  /eslint|prettier|biome-|@ts-|istanbul|noqa|pylint|type:|pragma|coverage|copyright|licen[cs]e|todo|fixme|https?:/i;
const CODE = /[;{}]\s*$|=>|^\s*(?:\/\/|#)\s*(?:const|let|var|return|import|def|if|for)\b/m;

/** What tools read, what is about the file, and code that is commented out. */
function isDirective(comment: string): boolean {
  return DIRECTIVE.test(comment) || CODE.test(comment);
}

/** A name of two words or more that occurs nowhere else in the function, whose body has something to tell it by. */
function isTelling({ whole, name, body }: CodeFunction, text: string): boolean {
  const word = text.slice(name.start, name.end);
  if (!/[a-z][A-Z]|[A-Za-z]_[A-Za-z]/.test(word) || word.startsWith('__')) return false;
  const rest = text.slice(whole.start, name.start) + text.slice(name.end, whole.end);
  return !rest.includes(word) && body.end - body.start >= 40;
}
