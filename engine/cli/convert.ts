/** `cloze convert`: a model folder in another layout, the values untouched. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { convertFolder } from '../model/convert-folder.ts';
import { wholeNumber } from './arguments.ts';
import { progress } from './measurement.ts';

const USAGE = `Usage: cloze convert FOLDER --to hf|sat [--tensor-parallel N] --out FOLDER

Writes a model in another layout, its values to the bit the same. The new folder is read like any other, and must not
exist yet. A tensor is in memory at a time.

  --to hf               config.json and model.safetensors, parts of a training run put together
  --to sat              the parts that SwissArmyTransformer, Megatron and DeepSpeed load (mp_rank_00_model_states.pt, …), of
                        GLM-130B's and GLM 2021's families, so that training goes on at scale
  --tensor-parallel N   into so many parts (with sat, default 1)
  --out FOLDER          where the model goes`;

export async function convertCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      to: { type: 'string' },
      'tensor-parallel': { type: 'string' },
      out: { type: 'string' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const [folder, ...others] = positionals;
  const { to, out, 'tensor-parallel': asked } = values;
  if (folder === undefined || others.length > 0 || out === undefined)
    throw new Error('convert takes one model FOLDER and --out FOLDER; see cloze convert --help.');
  if (to !== 'hf' && to !== 'sat') throw new RangeError(`--to takes hf or sat, but was given "${to ?? ''}".`);
  if (to === 'hf' && asked !== undefined) throw new RangeError('--tensor-parallel goes with --to sat; hf is one file.');
  const parts = wholeNumber(asked ?? '1', '--tensor-parallel', 1);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('Stopped; nothing was written.')));
  await convertFolder(folder, resolve(out), to === 'hf' ? { to } : { to, parts }, {
    onTensor: (done, all) => progress(`tensor ${done + 1}/${all}`),
    signal: stop.signal,
  });
  progress('');
  process.stdout.write(`${out}: ${to === 'hf' ? 'one file' : `${parts} part${parts === 1 ? '' : 's'}`}\n`);
  return 0;
}
