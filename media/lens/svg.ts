/**
 * The Lens as one SVG picture, from the same data as the page: the matrix, Part B with its probabilities and rivals, and
 * Part A. Text of the file is escaped and its unseen characters are made visible, so the picture holds text and no more.
 */
import { type Arrangement, predictor } from '../../engine/objective/paradigms.ts';
import type { FillTrace, PartAToken, PartBToken } from '../../language-server/protocol.ts';
import { percent, percentOf, tokenText } from './token-text.ts';
import { placeOf, seenStretches } from './view.ts';
import {
  documentPartWords,
  headWords,
  originWords,
  paradigmNames,
  paradigmSentence,
  rowWords,
  spanOrderWords,
  stageWords,
  words,
} from './words.ts';

const WIDTH = 1000;
const MARGIN = 20;
const MATRIX = 420;
const LINE = 18;
/** Of the monospaced type at 11 pixels. */
const CHARACTER = 6.7;
const LONGEST_TEXT = 40;
const COLOURS = { AA: '#1a6fb5', AB: '#1a6fb5', BA: '#b5651d', BB: '#2e7d32' } as const;
const FILLS: Record<PartBToken['origin'], string> = {
  start: '#e8e8e8',
  forced: 'url(#forced)',
  predicted: '#ffffff',
  cut: '#f5f5f5',
};

/** `step`: the token of Part B that is being chosen; its predicting row is framed. */
export function svgOf(trace: FillTrace, arrangement: Arrangement, step: number): string {
  const parts: string[] = [];
  let y = MARGIN + 14;
  const line = (content: string, size = 12, weight = 'normal') => {
    parts.push(text(MARGIN, y, content, `font-size="${size}" font-weight="${weight}"`));
    y += size + 6;
  };
  line(words.title, 16, 'bold');
  line(headWords(trace));
  line(times(trace));
  line(spanOrderWords(trace));
  y += 10;
  line(`${words.matrix}: ${paradigmNames[arrangement.paradigm]}`, 13, 'bold');
  const sentence = paradigmSentence(arrangement.paradigm, trace, placeOf(trace, step));
  for (const row of wrapped(sentence, 140)) line(row);
  const top = y;
  parts.push(matrix(arrangement, MARGIN, top, step));
  const spanBottom = span(trace, step, MARGIN + MATRIX + 30, top + 12, parts);
  y = Math.max(top + MATRIX, spanBottom) + 30;
  line(words.partA, 13, 'bold');
  y = passage(trace, y, parts);
  const height = Math.ceil(y + MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" fill="#1b1b1b">`,
    `<title>${escaped(`${words.title}: ${paradigmNames[arrangement.paradigm]}`)}</title>`,
    '<defs><pattern id="forced" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fff"/><path d="M0 6L6 0" stroke="#999"/></pattern></defs>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Markup and attribute characters escaped; what XML 1.0 cannot hold becomes U+FFFD. */
export function escaped(content: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return content
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
    .replace(/[&<>"']/g, (character) => entities[character] as string);
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`;
}

function times(trace: FillTrace): string {
  const { tokenize, read, extend, total } = trace.timings;
  const names = stageWords(trace);
  const stages = [
    `${names.tokenize} ${tokenize.toFixed(1)}`,
    `${names.read} ${read.toFixed(1)}`,
    `${names.extend} ${extend.toFixed(1)}`,
  ];
  return `${stages.join(', ')}; ${total.toFixed(1)} ms in all`;
}

/** One path for each colour, a rectangle for each stretch of columns that a row sees. */
function matrix(arrangement: Arrangement, x: number, y: number, step: number): string {
  const { rows } = arrangement;
  const cell = MATRIX / Math.max(1, rows.length);
  const paths: Record<string, string[]> = {};
  for (const [i, row] of rows.entries()) {
    for (const { part, from, to } of seenStretches(arrangement, i)) {
      const colour = COLOURS[`${row.part}${part}`];
      const width = round((to - from) * cell);
      const path = `M${round(x + from * cell)} ${round(y + i * cell)}h${width}v${round(cell)}h${-width}z`;
      paths[colour] = [...(paths[colour] ?? []), path];
    }
  }
  const drawn = Object.entries(paths).map(([colour, path]) => `<path fill="${colour}" d="${path.join('')}"/>`);
  const frame = (top: number, height: number, colour: string) =>
    `<rect x="${x}" y="${round(top)}" width="${MATRIX}" height="${round(height)}" fill="none" stroke="${colour}"/>`;
  const current = step > 0 ? predictor(arrangement, step) : undefined;
  return [
    ...drawn,
    frame(y, MATRIX, '#666666'),
    ...(current === undefined ? [] : [frame(y + current * cell, Math.max(cell, 2), '#c2185b')]),
  ].join('\n');
}

/** A row of text for every token of Part B, its rivals after it; returns where it ended. */
function span(trace: FillTrace, step: number, x: number, top: number, parts: string[]): number {
  let y = top;
  parts.push(text(x, y, words.partB, 'font-size="13" font-weight="bold"'));
  y += LINE + 4;
  for (const [index, token] of trace.partB.entries()) {
    const shown = short(token);
    const width = shown.length * CHARACTER + 10;
    const dash = { fed: '', held: ' stroke-dasharray="2 2"', unfed: ' stroke-dasharray="6 3"' }[token.row];
    const stroke = index === step ? '#c2185b' : '#666666';
    parts.push(
      `<rect x="${x}" y="${y - 12}" width="${round(width)}" height="16" fill="${FILLS[token.origin]}" stroke="${stroke}"${dash}/>`,
      text(x + 5, y, shown, MONOSPACED),
      text(x + Math.max(140, width + 8), y, describe(token), 'font-size="10" fill="#444444"'),
    );
    y += LINE;
    const others = (token.rivals ?? []).map((rival) => `${short(rival)} ${likely(rival)}`);
    for (const row of wrapped(others.join('   '), 80)) {
      parts.push(text(x + 16, y - 2, row, 'font-size="9" font-family="monospace" fill="#666666" xml:space="preserve"'));
      y += LINE - 4;
    }
  }
  return y;
}

function describe({ origin, row, position, blockPosition, logProbability, fromDocument }: PartBToken): string {
  const places = position === undefined ? '' : `${position} / ${blockPosition}`;
  const share = logProbability === undefined ? '' : likely({ logProbability, fromDocument });
  return [places, share, originWords[origin], rowWords[row]].filter(Boolean).join(' · ');
}

/** A probability, and what of it the document gave out. */
function likely({
  logProbability,
  fromDocument,
}: {
  logProbability: number;
  fromDocument?: number | undefined;
}): string {
  const share = percent(logProbability);
  return fromDocument === undefined ? share : `${share} (${documentPartWords(percentOf(fromDocument))})`;
}

const MONOSPACED = 'font-size="11" font-family="monospace"';

/** Tokens of Part A side by side, their positions below; returns where they ended. */
function passage({ partA, spans }: FillTrace, top: number, parts: string[]): number {
  const blanks = new Set(spans.map(({ blank }) => blank));
  let [x, y] = [MARGIN, top];
  for (const [index, token] of partA.entries()) {
    const shown = short(token);
    const width = Math.max(shown.length * CHARACTER + 8, 34);
    if (x + width > WIDTH - MARGIN) [x, y] = [MARGIN, y + 32];
    const fill = blanks.has(index) ? '#ffe0b2' : token.special === undefined ? '#ffffff' : '#e8e8e8';
    parts.push(
      `<rect x="${round(x)}" y="${y - 12}" width="${round(width)}" height="28" fill="${fill}" stroke="#bbbbbb"/>`,
      text(x + 4, y, shown, MONOSPACED),
      text(x + 4, y + 12, `${token.position} / ${token.blockPosition}`, 'font-size="8" fill="#666666"'),
    );
    x += width + 3;
  }
  return y + 24;
}

function short(token: Pick<PartAToken, 'id' | 'text' | 'special'>): string {
  const shown = Array.from(tokenText(token));
  return shown.length <= LONGEST_TEXT ? shown.join('') : `${shown.slice(0, LONGEST_TEXT - 1).join('')}…`;
}

/** Rows of at most `width` letters; a Chinese character takes the room of two and may stand at the end of any row. */
function wrapped(content: string, width: number): string[] {
  const rows: string[] = [];
  let taken = 0;
  for (const [piece] of content.matchAll(/\s+|[\p{Script=Han}，。、；：（）]|[^\s\p{Script=Han}，。、；：（）]+/gu)) {
    const room = /^[\p{Script=Han}，。、；：（）]/u.test(piece) ? 2 : piece.length;
    const fits = rows.length > 0 && taken + room <= width;
    if (!fits && piece.trim() === '') continue;
    rows[fits ? rows.length - 1 : rows.length] = fits ? `${rows.at(-1)}${piece}` : piece;
    taken = fits ? taken + room : room;
  }
  return rows.map((row) => row.trimEnd());
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
