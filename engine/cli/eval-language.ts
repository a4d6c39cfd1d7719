/** `cloze eval --suite lambada | bpb | wikitext`: a model as a model of language, by the papers' protocols. */
import { join } from 'node:path';
import { writeFileAtomically } from '../checkpoint/atomic-write.ts';
import { packedDocuments } from '../evaluation/documents.ts';
import { textLosses, windowSizes } from '../evaluation/language-modelling/bits-per-byte.ts';
import { answerLastWords } from '../evaluation/language-modelling/last-word.ts';
import {
  type LanguageReport,
  type LanguageSubject,
  languageMarkdown,
  lastWordReport,
  lossReport,
} from '../evaluation/language-modelling/report.ts';
import {
  drawLastWords,
  drawTexts,
  readLastWords,
  readPile,
  readWikitext,
} from '../evaluation/language-modelling/texts.ts';
import { type LoadedModel, loadModel } from '../load-model.ts';
import { loadTokenizer } from '../tokenizer/load.ts';
import { openPackedCorpus } from '../training/corpus/packed-corpus.ts';
import { embeddedModel, kernelLevel } from './environment.ts';
import { machine, measuredModel, progress } from './measurement.ts';

export const LANGUAGE_SUITES = ['lambada', 'bpb', 'wikitext'] as const;
export type LanguageSuite = (typeof LANGUAGE_SUITES)[number];

export interface EvalLanguageOptions {
  command: string;
  suite: LanguageSuite;
  /** Left out, held-out documents of the corpus are drawn. */
  file: string | undefined;
  corpus: string;
  model: string;
  /** Texts at most. */
  limit: number;
  beams: number;
  oneWay: boolean;
  seed: number;
  threads: number;
  json: string | undefined;
  signal: AbortSignal;
}

const PREDICTED = { bpb: 1024, wikitext: 256 };

export async function evalLanguage(options: EvalLanguageOptions): Promise<number> {
  const model = await loadModel(options.model, { level: kernelLevel(), threads: options.threads });
  try {
    const report = await measured(model, options);
    progress('');
    process.stdout.write(languageMarkdown(report));
    if (options.json) await writeFileAtomically(options.json, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    model.runtime.dispose();
  }
  return 0;
}

async function measured(model: LoadedModel, options: EvalLanguageOptions): Promise<LanguageReport> {
  const { command, suite, file, limit, beams, oneWay, seed, signal } = options;
  const subject: Omit<LanguageSubject, 'protocol'> = {
    command,
    suite,
    seed,
    machine: machine(),
    model: await measuredModel(model, options.model),
  };
  const source = file ?? 'documents of the held-out packages, drawn with the seed';
  const seen = oneWay
    ? 'Nothing is seen in both directions (the unidirectional variant)'
    : 'The context is seen in both directions';
  if (suite === 'lambada') {
    const tasks = file
      ? (await readLastWords(file)).slice(0, limit)
      : drawLastWords(await heldOut(options), limit, seed);
    const answers = await answerLastWords(model, tasks, {
      beams,
      oneWay,
      signal,
      onProgress: (done, all) => progress(`passage ${done + 1}/${all}`),
    });
    const protocol = [
      `Texts: ${source}. ${file ? '' : 'Not LAMBADA itself: passages of source text that end in a word which occurs before in them.'}`.trim(),
      `${seen}; [gMASK] after it, the last word with ${beams} beams of at most 5 tokens (GLM-130B, tasks/lambada). Of the beams the first word that punctuation follows counts, else the best beam's first word.`,
      '"every token first": each token of the word, cut as the tokenizer cuts it, is the most probable one (GLM 2021).',
    ];
    return lastWordReport({ ...subject, protocol }, answers);
  }
  const texts =
    suite === 'wikitext'
      ? await readWikitext(file as string)
      : file
        ? (await readPile(file)).slice(0, limit)
        : drawTexts(await heldOut(options), limit, seed);
  const sizes = windowSizes(model.runtime.config.maxLength, PREDICTED[suite]);
  const losses = await textLosses(model, texts, {
    sizes,
    oneWay,
    signal,
    onProgress: (done, all) => progress(`text ${done + 1}/${all}`),
  });
  const protocol = [
    `Texts: ${source}.`,
    `${seen}. Windows of ${sizes.length} tokens, header and mask included, of which the last ${sizes.step} are predicted after [gMASK]; of a text's first window all but one token. GLM-130B's are of 2048 and ${PREDICTED[suite]}.`,
    suite === 'wikitext'
      ? 'Perplexity: exp(sum of losses / words), words as the file divides them by spaces; the model reads the text with tokenization marks undone (GLM 2021). WikiText-103’s published figures are of whole test sets.'
      : 'Bits per byte: sum of losses / ln 2 / UTF-8 bytes of the texts, their first tokens included in the bytes alone, as GLM-130B counts.',
  ];
  return lossReport({ ...subject, protocol }, losses);
}

async function heldOut({ corpus }: EvalLanguageOptions) {
  const { tokenizer, sha256 } = await loadTokenizer(join(embeddedModel(), 'tokenizer.json'));
  return packedDocuments(await openPackedCorpus(corpus, 'heldout', sha256), tokenizer);
}
