/** Documents to draw tasks from and to count in, whether packed on disk or in memory. */

import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type CorpusLanguage, familyOf } from '../training/corpus/language.ts';
import type { PackedCorpus } from '../training/corpus/packed-corpus.ts';

export interface DocumentOrigin {
  path: string;
  package: string;
  /** Family: TypeScript with TSX, JavaScript with JSX, Python, other. */
  language: string;
}

export interface Documents {
  readonly count: number;
  /** Length in any unit that is the same for all documents. */
  size(index: number): number;
  origin(index: number): DocumentOrigin;
  text(index: number): string;
}

/** What is needed of a packed corpus to count in it or to draw from it. */
export type TokenDocuments = Pick<PackedCorpus, 'documents' | 'tokens' | 'document'>;

/** Texts of a packed corpus, decoded when asked for; `tokenizer` is the one that packed it. */
export function packedDocuments(corpus: TokenDocuments, tokenizer: Tokenizer): Documents {
  return {
    count: corpus.documents,
    size: (index) => corpus.document(index).tokens.length,
    origin(index) {
      const { path, package: name, language } = corpus.document(index);
      return { path, package: name, language: familyOf(language as CorpusLanguage) };
    },
    text: (index) => tokenizer.decode(corpus.document(index).tokens),
  };
}
