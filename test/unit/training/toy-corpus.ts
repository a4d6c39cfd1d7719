/** A corpus in memory: small programs from a grammar that a tiny model learns something of in a few steps. */
import { createRandom } from '../../../engine/objective/random.ts';
import type { Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import type { PackedCorpus, PackedDocument } from '../../../engine/training/corpus/packed-corpus.ts';

const NAMES = ['alpha', 'beta', 'gamma', 'delta'];

export function program(seed: number): string {
  const random = createRandom(seed);
  const name = () => NAMES[random.below(NAMES.length)] as string;
  let text = '';
  for (let i = 0; i < 8; i++) {
    text += `function ${name()}(${name()}, ${name()}) {\n  const ${name()} = ${name()} + ${random.below(10)};\n`;
    text += `  if (${name()}) {\n    call(${name()});\n  }\n  return ${name()};\n}\n\n`;
  }
  return text;
}

export function corpusOf(tokenizer: Tokenizer, texts: readonly string[], path = 'src/a.ts'): PackedCorpus {
  const documents: PackedDocument[] = texts.map((text) => ({
    tokens: Uint16Array.from(tokenizer.encode(text)),
    path,
    language: 'typescript',
    package: 'toy',
  }));
  const starts = documents.map((_, index) =>
    documents.slice(0, index).reduce((sum, { tokens }) => sum + tokens.length, 0),
  );
  return {
    documents: documents.length,
    tokens: documents.reduce((sum, { tokens }) => sum + tokens.length, 0),
    document: (index) => documents[index] as PackedDocument,
    documentAt: (position) => starts.findLastIndex((start) => start <= position),
    samePackage: () => [...documents.keys()],
  };
}
