/** transformers.js as npm has it, fetched for this comparison alone, and a model of ours in the folder layout it reads. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { attentionWidths } from '../../../engine/model/config.ts';
import type { ModelFolder } from '../../../engine/model/load.ts';
import { valuesOf } from '../../../engine/model/load.ts';
import { installOnce } from '../../editor/cache.ts';
import { npm } from '../../editor/npm.ts';
import { llamaGraph } from './llama-graph.ts';

export const VERSION = '4.3.1';

/** What is used of the library. */
interface Library {
  env: { allowRemoteModels: boolean; localModelPath: string };
  Tensor: new (type: string, data: BigInt64Array, dims: number[]) => unknown;
  LlamaForCausalLM: {
    from_pretrained(
      name: string,
      options: object,
    ): Promise<{ generate(options: object): Promise<{ data: BigInt64Array }>; dispose(): Promise<unknown> }>;
  };
}

export interface Peer {
  /** Writes tokens after `prompt`, greedily; `onToken` is called as each is there. */
  generate(prompt: readonly number[], count: number, onToken: () => void): Promise<number[]>;
  dispose(): Promise<unknown>;
}

async function fetchLibrary(): Promise<Library> {
  const folder = await installOnce(`transformers-js-${VERSION}`, (into) =>
    npm(into, 'install', '--ignore-scripts', '--prefix', into, `@huggingface/transformers@${VERSION}`),
  );
  const path = createRequire(join(folder, 'package.json')).resolve('@huggingface/transformers');
  return (await import(pathToFileURL(path).href)) as Library;
}

/** `home`: a folder of its own. `threads`: of onnxruntime, which it brings itself. */
export async function openPeer(model: ModelFolder, home: string, threads: number): Promise<Peer> {
  const { env, LlamaForCausalLM, Tensor } = await fetchLibrary();
  await writeModel(model, join(home, 'peer'));
  env.allowRemoteModels = false;
  env.localModelPath = `${home}/`;
  const llama = await LlamaForCausalLM.from_pretrained('peer', {
    dtype: 'fp32',
    device: 'cpu',
    local_files_only: true,
    use_external_data_format: true,
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
  });
  return {
    async generate(prompt, count, onToken) {
      let first = true;
      const streamer = {
        put() {
          // The prompt comes first.
          if (!first) onToken();
          first = false;
        },
        end() {},
      };
      const ids = (value: bigint[]) => new Tensor('int64', BigInt64Array.from(value), [1, value.length]);
      const written = await llama.generate({
        inputs: ids(prompt.map(BigInt)),
        attention_mask: ids(prompt.map(() => 1n)),
        max_new_tokens: count,
        min_new_tokens: count,
        do_sample: false,
        streamer,
      });
      return [...written.data].slice(prompt.length).map(Number);
    },
    dispose: () => llama.dispose(),
  };
}

async function writeModel(model: ModelFolder, folder: string): Promise<void> {
  const { config } = model;
  const { vocabSize, hiddenSize, innerSize, layers, heads, keyValueHeads = heads, maxLength } = config;
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const keys = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: vocabSize,
    hidden_size: hiddenSize,
    intermediate_size: innerSize,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: attentionWidths(config).query / heads,
    max_position_embeddings: maxLength,
    // No token of a random model ends anything.
    eos_token_id: vocabSize,
    bos_token_id: 0,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(keys));
  const graph = llamaGraph(config);
  writeFileSync(join(folder, 'onnx/model.onnx'), graph.finish('model.onnx_data'));
  const file = await open(join(folder, 'onnx/model.onnx_data'), 'w');
  try {
    await file.truncate(graph.storedBytes);
    for (const stored of graph.stored)
      if (stored.source === undefined)
        await file.write(stored.bytes(new Float32Array()), 0, stored.length, stored.offset);
    for await (const tensor of model.tensors())
      for (const stored of graph.stored.filter(({ source }) => source === tensor.name))
        await file.write(stored.bytes(valuesOf(tensor)), 0, stored.length, stored.offset);
  } finally {
    await file.close();
  }
}
