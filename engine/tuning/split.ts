/** Which files are trained on, chosen with and kept unseen; and files as the trainer and the evaluation take them. */
import { createHash } from 'node:crypto';
import type { Documents } from '../evaluation/documents.ts';
import { type TaskLanguage, taskLanguages } from '../evaluation/task.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { PackedCorpus, PackedDocument } from '../training/corpus/packed-corpus.ts';
import type { ProjectFile } from './project-files.ts';

export interface ProjectSplit {
  train: ProjectFile[];
  /** Not trained on, but the share of the tuned weights is chosen with them (mixing.ts). */
  choice: ProjectFile[];
  /** Kept for the measurement at the end. */
  heldOut: ProjectFile[];
}

/** Fewer files say nothing about unseen ones. */
const LEAST_FILES = 10;
const HELD_OUT_SHARE = 0.2;
const CHOICE_SHARE = 0.1;
/** Files of each language among them, where the project has twice as many. */
const LEAST_OF_LANGUAGE = 2;

/**
 * Splits by whole files, language by language, in the order of a hash of seed and path: a file that is added moves no
 * other from training to the unseen ones of a project of the same size. Throws where there is too little.
 */
export function splitProject(files: readonly ProjectFile[], seed: number): ProjectSplit {
  if (files.length < LEAST_FILES) {
    throw new Error(
      `Only ${files.length} files of TypeScript, JavaScript or Python can be used, and tuning needs ${LEAST_FILES}. Ignored, generated, hidden and very short files do not count; choose a larger project.`,
    );
  }
  const train: ProjectFile[] = [];
  const choice: ProjectFile[] = [];
  const heldOut: ProjectFile[] = [];
  for (const language of taskLanguages) {
    const own = files
      .filter((file) => file.language === language)
      .sort((a, b) => (rank(seed, a) < rank(seed, b) ? -1 : 1));
    const size = own.reduce((sum, { text }) => sum + text.length, 0);
    let taken = 0;
    let chosen = 0;
    for (const [index, file] of own.entries()) {
      const few = index < LEAST_OF_LANGUAGE;
      if (own.length < 2 * LEAST_OF_LANGUAGE) train.push(file);
      // A file that is much larger than all that is wanted stays with the training files.
      else if (few || taken + file.text.length <= size * HELD_OUT_SHARE) {
        heldOut.push(file);
        taken += file.text.length;
      } else if (chosen + file.text.length <= size * CHOICE_SHARE || (chosen === 0 && file.text.length < size / 4)) {
        choice.push(file);
        chosen += file.text.length;
      } else train.push(file);
    }
  }
  if (choice.length === 0 && train.length > 1) choice.push(train.pop() as ProjectFile);
  if (heldOut.length === 0 || train.length === 0) {
    throw new Error('No language of the project has four files or more; tuning cannot keep any of them unseen.');
  }
  return { train, choice, heldOut };
}

/** The guard in two: files to choose the share of the tuned weights with, and files to judge by. */
export function splitGuard(
  files: readonly ProjectFile[],
  seed: number,
): { choice: ProjectFile[]; judging: ProjectFile[] } {
  const [judging, choice]: [ProjectFile[], ProjectFile[]] = [[], []];
  for (const language of taskLanguages) {
    const own = files
      .filter((file) => file.language === language)
      .sort((a, b) => (rank(seed, a) < rank(seed, b) ? -1 : 1));
    for (const [index, file] of own.entries()) (index % 2 === 0 ? judging : choice).push(file);
  }
  return { choice, judging };
}

function rank(seed: number, { path }: ProjectFile): string {
  return createHash('sha256').update(`${seed}:${path}`).digest('hex');
}

/** The three languages in which there are files. */
export function languagesOf(files: readonly ProjectFile[]): TaskLanguage[] {
  return taskLanguages.filter((language) => files.some((file) => file.language === language));
}

/** Files to draw tasks from. */
export function fileDocuments(files: readonly ProjectFile[], name: string): Documents {
  const at = (index: number) => files[index] as ProjectFile;
  return {
    count: files.length,
    size: (index) => at(index).text.length,
    origin: (index) => ({ path: at(index).path, package: name, language: at(index).language }),
    text: (index) => at(index).text,
  };
}

/** Files as a corpus of one package, in memory. The tokenizer has at most 65,536 tokens. */
export function fileCorpus(files: readonly ProjectFile[], tokenizer: Tokenizer, name: string): PackedCorpus {
  const documents: PackedDocument[] = files.map(({ path, language, text }) => ({
    tokens: Uint16Array.from(tokenizer.encode(text)),
    path,
    language,
    package: name,
  }));
  const starts: number[] = [];
  let tokens = 0;
  for (const document of documents) {
    starts.push(tokens);
    tokens += document.tokens.length;
  }
  const all = [...documents.keys()];
  return {
    documents: documents.length,
    tokens,
    document(index) {
      const document = documents[index];
      if (!document) throw new RangeError(`There is no document ${index}; there are ${documents.length}.`);
      return document;
    },
    documentAt: (position) => starts.findLastIndex((start) => start <= position),
    samePackage: () => all,
  };
}
