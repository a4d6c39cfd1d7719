/** `cloze corpus`: makes the training corpus. Fetches packages, and only those of its own list. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { corpusPlaces, fetchCorpus, readSources, trainTokenizer } from '../training/corpus/corpus.ts';
import type { CorpusManifest } from '../training/corpus/manifest.ts';
import { type ListedPackage, parsePackageList } from '../training/corpus/package-list.ts';
import packageList from '../training/corpus/packages.json' with { type: 'json' };
import { requireManifest } from '../training/corpus/packed-corpus.ts';
import { packCorpus } from '../training/corpus/packing.ts';
import { corpusReport } from '../training/corpus/report.ts';
import { dataFolder, embeddedModel } from './environment.ts';

const usage = `Usage: cloze corpus [fetch | tokenizer | pack | report] [options]

Makes the training corpus: fetches the listed packages (npm, Debian), keeps what is permissively licensed and
written by people, and writes packed token files. Without a step, the first three in order; what is done is not done
again.

Steps
  fetch              fetch the packages, each once
  tokenizer          learn a tokenizer from the training split and write it to --tokenizer
  pack               encode the documents into token files
  report             print, as Markdown, what the packed corpus is made of and what was left out and why

Options
  --data DIR         where everything is kept (default: $CLOZE_DATA, else ~/.local/share/cloze)
  --list FILE        another list of packages, in the form of packages.json
  --tokenizer FILE   the tokenizer.json to use or write (default: the shipped
                     model's; for the step tokenizer DIR/corpus/tokenizer.json)
  --seed N           of the order of the documents (default 1)
  --help             show this`;

const making = ['fetch', 'tokenizer', 'pack'] as const;
const steps = [...making, 'report'] as const;
type Step = (typeof steps)[number];

interface Arguments {
  steps: readonly Step[];
  data: string;
  list: readonly ListedPackage[];
  tokenizer: string;
  seed: number;
}

/** Runs the command; the result is the exit status. */
export async function corpusCommand(args: string[]): Promise<number> {
  const stop = new AbortController();
  const onInterrupt = (): void => {
    report('Stopping; what is complete is kept. Run the same command again to go on.');
    stop.abort(new Error('interrupted'));
  };
  process.once('SIGINT', onInterrupt);
  try {
    const parsed = await parseArguments(args);
    if (parsed === 'help') {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    // Work that nobody waits for should not slow down the machine's owner.
    setPriority(10);
    await runSteps(parsed, stop.signal, onInterrupt);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    process.stderr.write(`cloze corpus: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

class UsageError extends Error {}

async function parseArguments(args: string[]): Promise<Arguments | 'help'> {
  const options = {
    data: { type: 'string' },
    list: { type: 'string' },
    tokenizer: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}. See "cloze corpus --help".`);
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  const [step, ...more] = positionals;
  if (more.length > 0 || (step !== undefined && !steps.includes(step as Step))) {
    throw new UsageError(`Unknown step "${positionals.join(' ')}". See "cloze corpus --help".`);
  }
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed must be a whole number, not "${values.seed}".`);
  const data = resolve(values.data ?? dataFolder());
  const ownTokenizer = join(corpusPlaces(data).corpus, 'tokenizer.json');
  const shipped = join(embeddedModel(), 'tokenizer.json');
  const tokenizer = values.tokenizer ?? (step !== 'tokenizer' && existsSync(shipped) ? shipped : ownTokenizer);
  return {
    steps: step === undefined ? [...making] : [step as Step],
    data,
    list: parsePackageList(values.list === undefined ? packageList : await readList(values.list)),
    tokenizer: resolve(tokenizer),
    seed,
  };
}

async function readList(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`Cannot read the package list ${path}: ${(error as Error).message}`);
  }
}

async function runSteps(
  { steps, data, list, tokenizer, seed }: Arguments,
  signal: AbortSignal,
  onInterrupt: () => void,
): Promise<void> {
  if (steps.includes('report')) {
    process.stdout.write(corpusReport(await requireManifest(corpusPlaces(data).corpus)));
    return;
  }
  const missing = steps.includes('fetch') ? (await fetchCorpus(list, data, report, signal)).missing : [];
  const learns = steps.includes('tokenizer') && (steps.length === 1 || !existsSync(tokenizer));
  if (!learns && !steps.includes('pack')) return;
  const sources = await readSources(list, data, report, signal);
  if (learns) {
    // Learning occupies this thread for a minute and has nothing to lose: an interrupt ends it at once.
    process.off('SIGINT', onInterrupt);
    const learnt = trainTokenizer(sources.selection, report);
    process.once('SIGINT', onInterrupt);
    await writeFileAtomically(tokenizer, learnt);
    report(`Wrote the tokenizer ${tokenizer}`);
  }
  if (!steps.includes('pack')) return;
  const packer = await loadTokenizer(tokenizer, { rememberedPieces: 1 << 20 });
  const manifest = await packCorpus({
    ...sources,
    missing: missing.length > 0 ? missing : sources.missing,
    directory: corpusPlaces(data).corpus,
    tokenizer: packer.tokenizer,
    tokenizerSha256: packer.sha256,
    seed,
    progress: report,
    signal,
  });
  process.stdout.write(`${summary(manifest)}\n`);
}

function summary({ splits }: CorpusManifest): string {
  const millions = (n: number): string => (n / 1e6).toFixed(1);
  return (['train', 'heldout'] as const)
    .flatMap((split) => {
      const { documents, bytes, tokens, bytesPerToken, languages } = splits[split];
      const head = `${split}: ${documents} documents, ${millions(bytes)} MB, ${millions(tokens)} M tokens, ${bytesPerToken.toFixed(2)} bytes a token`;
      const rows = Object.entries(languages).sort(([, a], [, b]) => b.bytes - a.bytes);
      return [head, ...rows.map(([name, amount]) => `  ${name}: ${millions(amount.bytes)} MB in ${amount.documents}`)];
    })
    .join('\n');
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
