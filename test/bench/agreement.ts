/**
 * Share of blanks that onnxruntime on the processor fills with the same greedy tokens as the native runtime, and how far
 * the log probabilities of their tokens lie apart; beside it what rounding the weights does natively. The blanks are ends of lines of this project, which no model has seen.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineOptions, loadEngine } from '../../engine/index.ts';
import type { Fill, Passage } from '../../engine/infill/fill.ts';
import { createRandom } from '../../engine/objective/random.ts';
import { PRECISIONS } from '../../engine/onnx/weights.ts';
import type { Row } from './main.ts';

const BLANKS = 200;
/** The model alone: what the document says would hide differences. */
const OPTIONS = {
  maxTokens: 16,
  temperature: 0,
  topP: 1,
  seed: 0,
  singleLine: true,
  timeLimit: 0,
  contextTokens: 256,
  documentCache: false,
};

export async function benchAgreement(): Promise<Row[]> {
  const blanks = drawBlanks(BLANKS);
  const modelFolder = join(process.cwd(), 'engine/embedded-model');
  const cacheFolder = mkdtempSync(join(tmpdir(), 'cloze-graphs-'));
  const shared: EngineOptions = { modelFolder, precision: 'float32' };
  try {
    const exact = await fillAll(shared, blanks);
    const rows: Row[] = [];
    for (const precision of PRECISIONS) {
      const onnx = await fillAll({ ...shared, runtime: 'onnx-cpu', onnx: { cacheFolder, precision } }, blanks);
      rows.push(...compare(`onnx ${precision} against native float32`, onnx, exact));
      if (precision !== 'int8' && precision !== 'int4') continue;
      // What rounding weights costs natively, and how far two ways of rounding lie apart.
      const native = await fillAll({ ...shared, precision }, blanks);
      rows.push(...compare(`native ${precision} against native float32`, native, exact));
      rows.push(...compare(`onnx ${precision} against native ${precision}`, onnx, native));
    }
    return rows;
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true });
  }
}

function compare(what: string, found: readonly Fill[], wanted: readonly Fill[]): Row[] {
  const same = found.filter((fill, index) => idsOf(fill) === idsOf(wanted[index] as Fill)).length;
  const apart = found.flatMap(({ tokens }, index) => distances(tokens, (wanted[index] as Fill).tokens));
  const mean = apart.reduce((sum, distance) => sum + distance, 0) / apart.length;
  const [least, most] = [Math.min(...apart), Math.max(...apart)];
  return [
    { what: `${what}, same tokens`, unit: `of ${BLANKS} blanks`, median: same, least: same, most: same },
    { what: `${what}, log probability`, unit: 'nats apart (mean)', median: mean, least, most },
  ];
}

async function fillAll(options: EngineOptions, blanks: readonly Passage[]): Promise<Fill[]> {
  const engine = await loadEngine({
    ...options,
    tell: (message) => {
      throw new Error(message);
    },
  });
  const fills: Fill[] = [];
  for (const blank of blanks) fills.push(await engine.fill(blank, OPTIONS));
  await engine.dispose();
  return fills;
}

const idsOf = ({ tokens }: Fill) => tokens.map(({ id }) => id).join(' ');

/** Of the tokens up to the first that differs. */
function distances(found: Fill['tokens'], wanted: Fill['tokens']): number[] {
  const different = found.findIndex(({ id }, index) => id !== wanted[index]?.id);
  const common = different === -1 ? found : found.slice(0, different);
  return common.map(({ logProbability }, i) => Math.abs(logProbability - (wanted[i]?.logProbability ?? 0)));
}

function drawBlanks(count: number): Passage[] {
  const random = createRandom(11);
  const files = readdirSync('engine', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort();
  return Array.from({ length: count }, () => {
    const path = files[random.below(files.length)] as string;
    const lines = readFileSync(join('engine', path), 'utf8').split('\n');
    const line = random.below(lines.length);
    const text = lines[line] as string;
    const cut = random.below(text.length + 1);
    const before = [...lines.slice(0, line), text.slice(0, cut)].join('\n');
    const after = ['', ...lines.slice(line + 1)].join('\n');
    return { path: `engine/${path}`, languageId: '', before, after, forced: '', neighbours: [], kind: 'sentence' };
  });
}
