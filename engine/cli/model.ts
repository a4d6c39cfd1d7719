/** `cloze model`: which models are installed, and which of them is used for what. */
import { parseArgs } from 'node:util';
import { inWords } from '../fit/fit.ts';
import { downloadModel } from '../installed/download-model.ts';
import { addModel, readRegistry, removeModel, SHIPPED, setDefault, TASKS } from '../installed/registry.ts';
import { oneOf } from './arguments.ts';
import { dataFolder, hubMirror } from './environment.ts';
import { progress } from './measurement.ts';

const USAGE = `Usage: cloze model ACTION [options]

  add FOLDER        install a model where it lies; nothing is copied
  download URL      fetch a model from its page on a hub, e.g. https://hub.example/OWNER/NAME: every file is checked
                    against the length and hash in the hub's list; run again, it goes on where it was ended
  list              names, folders and defaults
  remove NAME       forget a model; the folder goes too if it was downloaded
  default NAME      use a model where none is named; ${SHIPPED} is the one that ships

  --name NAME       add, download: another name than the folder's or the hub's
  --mirror URL      download: another address of the hub (default: $CLOZE_MIRROR, else none)
  --task TASK       default: ${TASKS.join(', ')} (default: all)

Only download uses the network. Models lie in $CLOZE_DATA, else ~/.local/share/cloze.`;

export async function modelCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      name: { type: 'string' },
      mirror: { type: 'string' },
      task: { type: 'string' },
    },
  });
  const [action, subject, ...others] = positionals;
  if (values.help || action === undefined || others.length > 0) {
    (values.help ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  const data = dataFolder();
  const given = (what: string): string => {
    if (subject === undefined) throw new Error(`cloze model ${action} takes a ${what}; see cloze model --help.`);
    return subject;
  };
  switch (action) {
    case 'add': {
      const { name, folder } = await addModel(data, given('FOLDER'), { name: values.name, own: false });
      process.stdout.write(`${name} is installed: ${folder}\n`);
      return 0;
    }
    case 'download':
      return download(given('URL'), { data, name: values.name, mirror: values.mirror ?? hubMirror() });
    case 'list':
      return list(data);
    case 'remove': {
      const { name, folder, own } = await removeModel(data, given('NAME'));
      process.stdout.write(own ? `${name} and its folder are removed.\n` : `${name} is forgotten; ${folder} stays.\n`);
      return 0;
    }
    case 'default': {
      const tasks = values.task === undefined ? TASKS : [oneOf(values.task, '--task', TASKS)];
      await setDefault(data, given('NAME'), tasks);
      process.stdout.write(`${subject} is the default of ${tasks.join(', ')}.\n`);
      return 0;
    }
    default:
      throw new Error(`cloze model knows add, download, list, remove and default, but not "${action}".`);
  }
}

async function list(data: string): Promise<number> {
  const { models, defaults } = await readRegistry(data);
  if (models.length === 0) process.stdout.write('No model is installed; the one that ships is used.\n');
  for (const { name, folder, own } of models) {
    const tasks = TASKS.filter((task) => defaults[task] === name);
    const notes = [...(own ? ['downloaded'] : []), ...(tasks.length > 0 ? [`default of ${tasks.join(', ')}`] : [])];
    process.stdout.write(`${name}: ${folder}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}\n`);
  }
  return 0;
}

async function download(
  url: string,
  options: { data: string; name: string | undefined; mirror: string | undefined },
): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('Stopped; run the same command again to go on.')));
  const onProgress = (done: number, all: number, file: string) =>
    progress(`${file}: ${inWords(done)} of ${inWords(all)}, ${Math.floor((100 * done) / Math.max(1, all))} %`);
  const { name, folder } = await downloadModel({ url, ...options, onProgress }, stop.signal);
  progress('');
  process.stdout.write(`${name} is installed: ${folder}\n`);
  return 0;
}
