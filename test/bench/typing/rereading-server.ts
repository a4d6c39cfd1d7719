/**
 * The language server with one difference: Part A is read anew for every call of the model, as without anchored blanks.
 * What it answers is the same, so that the same edits are replayed on both.
 */
import { join } from 'node:path';
import { createConnection } from 'vscode-languageserver/node';
import { fillBlanks } from '../../../engine/infill/fill-blanks.ts';
import { fillBlank } from '../../../engine/infill/infill.ts';
import { loadModel } from '../../../engine/load-model.ts';
import { createShelf } from '../../../language-server/models/shelf.ts';
import { serve } from '../../../language-server/server.ts';

const embeddedModel = join(import.meta.dirname, '..', 'engine', 'embedded-model');

serve(createConnection(), {
  async load({ modelFolder, threads, runtime }, tell) {
    const model = await loadModel(modelFolder, { threads, runtime, tell });
    return {
      name: model.name,
      device: model.runtime.device,
      fill: (passage, options, hooks) => fillBlank(model, passage, options, hooks),
      // Nobody asks by hand here.
      fillCandidates: async (passage, _, options, hooks) => [await fillBlank(model, passage, options, hooks)],
      fillBlanks: (passage, options, signal) => fillBlanks(model, passage, options, signal),
      trace: () => undefined,
      dispose: () => model.runtime.dispose(),
    };
  },
  embeddedModel,
  // A measurement uses none of the installed models.
  shelf: createShelf({ data: join(import.meta.dirname, 'no-models'), embeddedModel, level: '' }),
  version: 'without anchors',
});
