/** The figures and the page that tell which default was chosen by which curve. */
import { type Estimate, ratioOf } from '../../../engine/evaluation/intervals.ts';
import { percent, table } from '../../../engine/evaluation/markdown-table.ts';
import { frame, linearScale } from '../../../engine/evaluation/plots/axes.ts';
import { drawing, element, label, pathData } from '../../../engine/evaluation/plots/svg.ts';
import { createRandom } from '../../../engine/objective/random.ts';
import { bestOf, COST, COSTS, defaultsNow, netSaving, type Point, type Sweep } from './sweeps.ts';
import { type Score, sum } from './typist.ts';

export interface GolfReport {
  command: string;
  machine: string;
  model: string;
  device: string;
  holes: { path: string; language: string; scene: string; characters: number }[];
  sweeps: Sweep[];
  /** Typed without accepting anything. */
  flicker: Score;
}

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 56;
const TOP = 74;
const LEGEND = 130;

interface Curve {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

/** Lines with a dot at each point; `y` is in percent. */
export function curves(title: string, xLabel: string, yLabel: string, all: readonly Curve[]): string {
  const xs = all.flatMap(({ points }) => points.map(([x]) => x));
  const ys = all.flatMap(({ points }) => points.map(([, y]) => y));
  const width = WIDTH - LEFT - LEGEND - 16;
  const x = linearScale(Math.min(...xs), Math.max(...xs), 6);
  const y = linearScale(Math.min(0, ...ys), Math.max(1, ...ys), 6);
  const { elements, at } = frame({ left: LEFT, top: TOP, width, height: HEIGHT, x, y, xLabel, yLabel });
  for (const [index, { name, points }] of all.entries()) {
    const placed = points.map(([px, py]) => at(px, py));
    elements.push(element('path', { d: pathData(placed), class: `s${index} curve` }));
    for (const [cx, cy] of placed) elements.push(element('circle', { cx, cy, r: 3, class: `f${index}` }));
    const line = TOP + 12 + index * 18;
    elements.push(element('rect', { x: WIDTH - LEGEND, y: line - 9, width: 14, height: 10, class: `f${index}` }));
    elements.push(label(name, WIDTH - LEGEND + 22, line));
  }
  const description = all.map(({ name, points }) => `${name}: ${points.map(([, py]) => py.toFixed(1)).join(', ')}`);
  return drawing(WIDTH, TOP + HEIGHT + 56, title, description.join('; '), elements);
}

const TITLES: Readonly<Record<Sweep['id'], [title: string, axis: string, file: string]>> = {
  threshold: ['What is shown: as far as the model is sure', 'threshold', 'golf-threshold'],
  'whole-line': ['What is shown: all or nothing', 'least probability of the whole line', 'golf-whole-line'],
  multiline: ['Multi-line rule', 'auto (0), never (1)', 'golf-multiline'],
  'before-share': ['Share of the context before the cursor', 'share', 'golf-before-share'],
  'context-tokens': ['Tokens of context', 'tokens', 'golf-context-tokens'],
  'least-keys': ['The shortest suggestion', 'keys', 'golf-least-keys'],
  hasty: ['Somebody who reads the first word alone', 'threshold', 'golf-hasty'],
};

/** SVG files by name. */
export function figures({ sweeps }: GolfReport): Record<string, string> {
  const drawn = sweeps.map((sweep): [string, string] => {
    const [title, axis, file] = TITLES[sweep.id];
    const all = COSTS.map((cost) => ({
      name: cost === 0 ? 'keys saved' : `wrong costs ${cost}`,
      points: sweep.points.map(({ at, scores }) => [at, 100 * netSaving(sum(scores), cost)] as const),
    }));
    return [`${file}.svg`, curves(title, axis, 'net keys saved, %', all)];
  });
  return Object.fromEntries(drawn);
}

export function toPage(report: GolfReport): string {
  const { holes, sweeps, flicker } = report;
  const characters = holes.reduce((total, hole) => total + hole.characters, 0);
  return `${[
    '# Defaults, chosen by completion golf',
    '',
    'Written by the command below; do not edit. A person types held-out text again through the completion pipeline of the',
    'language server, asks after every key, waits for the answer and takes what is right: all of a suggestion with one key,',
    'else its leading lines or words with one key each. Nothing wrong is taken, so nothing is deleted later (but see the last',
    'section). Indentation',
    `counts as no key. **Net saving** is the share of keys saved, less ${COST} key for every suggestion that came up and was of`,
    'no use (a glance of 0.2 s at five keys a second); the curves show other prices.',
    '',
    '```sh',
    report.command,
    '```',
    '',
    `Model ${report.model} (${report.device}; ${report.machine}). ${holes.length} stretches of text from packages that the model`,
    `has not seen, ${characters} characters; every second one has nothing below it, as in a file that is being written.`,
    'Intervals are 95 %, bootstrapped over the stretches. No other document is open, brackets do not close themselves, and',
    'there is no time limit, so the figures do not depend on the machine.',
    '',
    `Typing on without taking anything: ${flicker.keys} keys, ${flicker.shown} suggestions, **${flicker.flickers}** of them changed or`,
    'went away although the typed text agreed with them.',
    '',
    ...chosen(sweeps),
    ...sweeps.flatMap(section),
  ].join('\n')}\n`;
}

function chosen(sweeps: readonly Sweep[]): string[] {
  const now: Readonly<Record<string, [name: string, value: unknown]>> = {
    threshold: ['`cloze.completion.threshold`', defaultsNow.threshold],
    multiline: ['`cloze.completion.multiline`', defaultsNow.multiline],
    'before-share': ['share of the context before the cursor', defaultsNow.beforeShare],
    'context-tokens': ['`cloze.completion.contextTokens`', defaultsNow.contextTokens],
    'least-keys': ['keys of the shortest suggestion', defaultsNow.leastKeys],
  };
  const rows = sweeps
    .filter(({ id }) => id in now)
    .map((sweep) => {
      const [name, value] = now[sweep.id] as [string, unknown];
      return [name, String(value), bestOf(sweep).name];
    });
  return ['## The defaults', '', ...table(['default', 'is', 'best here'], rows), ''];
}

function section(sweep: Sweep): string[] {
  const [title, , file] = TITLES[sweep.id];
  const row = (point: Point): string[] => {
    const { shown, accepted, partly, wrong, deleted, deletedCharacters, keys } = sum(point.scores);
    const per = (count: number) => ((100 * count) / keys).toFixed(1);
    return [
      point.name,
      percent(share(point, 0)),
      percent(share(point, COST), true),
      per(shown),
      per(accepted),
      per(partly),
      per(wrong),
      ...(sweep.id === 'hasty' ? [per(deleted), per(deletedCharacters)] : []),
    ];
  };
  return [
    `## ${title}`,
    '',
    ...NOTES[sweep.id],
    '',
    `![Net saving](figures/${file}.svg)`,
    '',
    ...table(
      [
        ...['value', 'keys saved, %', 'net saving, %', 'shown per 100 keys', 'taken whole', 'taken in part', 'wrong'],
        ...(sweep.id === 'hasty' ? ['deleted in part later', 'characters deleted'] : []),
      ],
      sweep.points.map(row),
    ),
    '',
  ];
}

const NOTES: Readonly<Record<Sweep['id'], string[]>> = {
  threshold: [
    'A suggestion is shown in whole words as far as the product of the model’s own probabilities stays above the threshold,',
    'and the model stops there. Asking for a completion by hand shows all of it.',
  ],
  'whole-line': [
    'The rule that was not taken: the suggestion as it is, or nothing where its first line as a whole is too improbable.',
  ],
  'least-keys': [
    'A suggestion that would take fewer keys to type does not come up; one that was typed into stays to its last letter. The',
    'key that takes it counts.',
  ],
  multiline: ['`auto` lets the model write on at the end of a line; `never` stops at the line break.'],
  'before-share': [
    'Where the text on both sides is longer than there is room; only stretches with text below. 0.6 is also how the model',
    'was trained.',
  ],
  'context-tokens': ['Text on both sides together; less is faster to read.'],
  hasty: [
    'Where the first word is right the whole suggestion is taken, and what is wrong of it deleted again, a key for each word.',
    'Saved keys count these. A threshold has to do well here too.',
  ],
};

function share({ scores }: Point, cost: number): Estimate {
  const net = scores.map(({ keys, pressed, wrong }) => keys - pressed - cost * wrong);
  return ratioOf(
    net,
    scores.map(({ keys }) => keys),
    createRandom(3),
  );
}
