import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Tokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import type { ExtractedPackage } from '../../../engine/training/corpus/extraction.ts';
import { openPackedCorpus } from '../../../engine/training/corpus/packed-corpus.ts';
import { type PackingInput, packCorpus } from '../../../engine/training/corpus/packing.ts';
import { selectDocuments } from '../../../engine/training/corpus/selection.ts';

/** One token a byte, each 300 higher than the byte so that both bytes of an id count. */
const tokenizer: Tokenizer = {
  vocabSize: 600,
  special: { eos: 1, mask: 2, sentenceMask: 3, documentMask: 4, sop: 5, eop: 6, enc: 7 },
  encode: (text) => [...new TextEncoder().encode(text)].map((byte) => byte + 300),
  encodeBytes: (bytes) => [...bytes],
  bytes: (token) => Uint8Array.of(token - 300),
  decodeBytes: (tokens) => Uint8Array.from(tokens, (token) => token - 300),
  decode: (tokens) => String.fromCharCode(...[...tokens].map((token) => token - 300)),
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloze-packed-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function packageOf(name: string, split: 'train' | 'heldout', texts: string[]): Promise<ExtractedPackage> {
  const textFile = join(directory, `${name}.text`);
  await writeFile(textFile, texts.join(''));
  let offset = 0;
  const documents = texts.map((text, i) => {
    const document = {
      path: `src/${i}.ts`,
      language: 'typescript' as const,
      offset,
      length: text.length,
      hash: `${name}${i}`,
    };
    offset += text.length;
    return document;
  });
  return {
    listed: { source: 'npm', name, version: '1.0.0', split },
    summary: { rules: 1, licence: 'MIT', permissive: true, dropped: { generated: { files: 2, bytes: 10 } } },
    documents,
    textFile,
  };
}

async function input(overrides: Partial<PackingInput> = {}): Promise<PackingInput> {
  const packages = [
    await packageOf('a', 'train', ['alpha', 'beta!', 'gamma rays']),
    await packageOf('b', 'train', ['x']),
    await packageOf('c', 'heldout', ['held']),
  ];
  return {
    directory,
    packages,
    missing: [],
    selection: selectDocuments(packages),
    tokenizer,
    tokenizerSha256: 'feed',
    seed: 1,
    progress: () => {},
    signal: new AbortController().signal,
    ...overrides,
  };
}

describe('a packed corpus', () => {
  test('gives back every document with its path and package', async () => {
    const manifest = await packCorpus(await input());
    expect(manifest.splits.train).toMatchObject({ documents: 4, bytes: 21, tokens: 21, bytesPerToken: 1 });
    expect(manifest.packages[0]).toMatchObject({
      name: 'a',
      documents: 3,
      tokens: 20,
      dropped: { generated: { files: 2 } },
    });
    const corpus = await openPackedCorpus(directory, 'train', 'feed');
    expect([corpus.documents, corpus.tokens]).toEqual([4, 21]);
    const found = Array.from({ length: 4 }, (_, i) => {
      const { tokens, path, package: name, language } = corpus.document(i);
      return `${name}/${path} ${language} ${tokenizer.decode(tokens)}`;
    });
    expect(found.toSorted()).toEqual([
      'a/src/0.ts typescript alpha',
      'a/src/1.ts typescript beta!',
      'a/src/2.ts typescript gamma rays',
      'b/src/0.ts typescript x',
    ]);
    const heldout = await openPackedCorpus(directory, 'heldout', 'feed');
    expect(tokenizer.decode(heldout.document(0).tokens)).toBe('held');
  });

  test('finds documents by token and by package', async () => {
    await packCorpus(await input());
    const corpus = await openPackedCorpus(directory, 'train');
    let position = 0;
    for (let i = 0; i < corpus.documents; i++) {
      const { tokens, package: name } = corpus.document(i);
      for (let k = 0; k < tokens.length; k++) expect(corpus.documentAt(position++)).toBe(i);
      expect(corpus.samePackage(i)).toContain(i);
      expect(corpus.samePackage(i)).toHaveLength(name === 'a' ? 3 : 1);
    }
    expect(() => corpus.documentAt(position)).toThrow(RangeError);
    expect(() => corpus.document(4)).toThrow(RangeError);
  });

  test('is the same for the same seed, in another order for another', async () => {
    const order = async (seed: number) => {
      await packCorpus(await input({ seed }));
      return readFile(join(directory, 'train.docs.jsonl'), 'utf8');
    };
    const first = await order(1);
    const orders = new Set([first, await order(2), await order(3), await order(4)]);
    expect(orders.size).toBeGreaterThan(1);
    expect(await order(1)).toBe(first);
  });

  test('is not written again when nothing changed', async () => {
    const lines: string[] = [];
    await packCorpus(await input());
    await packCorpus(await input({ progress: (line) => lines.push(line) }));
    expect(lines).toEqual(['The packed corpus is up to date.']);
  });

  test('an interrupted run leaves no part behind, nor a manifest of the earlier run', async () => {
    await packCorpus(await input());
    const signal = AbortSignal.abort(new Error('interrupted'));
    await expect(packCorpus(await input({ seed: 2, signal }))).rejects.toThrow('interrupted');
    const left = await readdir(directory);
    expect(left.filter((name) => name.includes('.part'))).toEqual([]);
    expect(left).not.toContain('manifest.json');
  });
});

describe('opening a packed corpus says what is wrong', () => {
  const opened = (sha256?: string) => openPackedCorpus(directory, 'train', sha256);

  test('when there is none', async () => {
    await expect(opened()).rejects.toThrow(/manifest\.json is not there\. Run "cloze corpus"/);
  });

  test('when it was packed with another tokenizer', async () => {
    await packCorpus(await input());
    await expect(opened('beef')).rejects.toThrow(/another tokenizer .*feed.*beef/);
  });

  test('when files are cut short or missing or foreign', async () => {
    await packCorpus(await input());
    const tokens = join(directory, 'train.tokens');
    const whole = await readFile(tokens);
    await writeFile(
      tokens,
      whole.map(() => 255),
    );
    await expect(opened()).rejects.toThrow(/token 0 is 65535, the tokenizer has 600/);
    await truncate(tokens, 40);
    await expect(opened()).rejects.toThrow(/train\.tokens is damaged or missing: it has 40 bytes, not 42/);
    await rm(tokens);
    await expect(opened()).rejects.toThrow(/train\.tokens is damaged or missing/);
    const documents = join(directory, 'train.docs.jsonl');
    await writeFile(documents, (await readFile(documents, 'utf8')).split('\n').slice(1).join('\n'));
    await expect(opened()).rejects.toThrow(/docs\.jsonl is damaged/);
  });
});
