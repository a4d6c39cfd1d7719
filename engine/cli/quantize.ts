/** `cloze quantize`: a model folder with weights of 8 or 4 bits. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { QuantGroup } from '../checkpoint/quantization.ts';
import { quantizeFolder } from '../model/quantize-folder.ts';
import { progress } from './measurement.ts';

const USAGE = `Usage: cloze quantize FOLDER --to int8|int4 [--group 32|64|row] [--scale search|absmax] --out FOLDER

Writes the model with its matrices in whole numbers of 8 or 4 bits, in the form of GLM-130B's checkpoints; embedding and
head take 8 bits. The new folder is read like any other, and must not exist yet. Tensors go through memory in pieces of 8 MB.

  --to P         int8: half the bytes of bfloat16, nearly the same answers; int4: a quarter, at some loss
  --group G      columns that share a scale: row (default with int8; GLM-130B's own), 32 (default with int4) or 64
  --scale S      of 4 bits: search (default by row) takes the scale of least squared error among 26, absmax (default
                 otherwise) that of the largest weight, as GLM-130B does
  --out FOLDER   where the model goes`;

const GROUPS: Readonly<Record<string, QuantGroup>> = { row: 'row', 32: 32, 64: 64 };

const SCALES = ['search', 'absmax'];

export async function quantizeCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      to: { type: 'string' },
      group: { type: 'string' },
      scale: { type: 'string' },
      out: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const [folder, ...others] = positionals;
  const { to, out } = values;
  if (folder === undefined || others.length > 0 || out === undefined) {
    throw new Error('quantize takes one model FOLDER and --out FOLDER; see cloze quantize --help.');
  }
  if (to !== 'int8' && to !== 'int4') throw new RangeError(`--to takes int8 or int4, but was given "${to ?? ''}".`);
  const asked = values.group ?? (to === 'int8' ? 'row' : '32');
  const group = Object.hasOwn(GROUPS, asked) ? GROUPS[asked] : undefined;
  if (group === undefined) throw new RangeError(`--group takes row, 32 or 64, but was given "${asked}".`);
  // Measured: by row it helps, by groups it did not in every draw (docs/quantization.md).
  const scale = values.scale ?? (group === 'row' ? 'search' : 'absmax');
  if (!SCALES.includes(scale)) throw new RangeError(`--scale takes search or absmax, but was given "${scale}".`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('Stopped; nothing was written.')));
  const { before, after } = await quantizeFolder(
    folder,
    resolve(out),
    { bits: to === 'int8' ? 8 : 4, group },
    {
      search: scale === 'search',
      onTensor: (done, all) => progress(`tensor ${done + 1}/${all}`),
      signal: stop.signal,
    },
  );
  progress('');
  process.stdout.write(`${out}: ${megabytes(after)} MB of weights, from ${megabytes(before)} MB\n`);
  return 0;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
