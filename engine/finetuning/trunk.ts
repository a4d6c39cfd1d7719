/** The model under a learner: its weights in the native trainer, its steps, and the way back to what it was. */
import { tensorShapes } from '../model/config.ts';
import { type ModelFolder, valuesOf } from '../model/load.ts';
import { type AdamWOptions, type ExecutionOptions, loadAddon, type NativeTrainer } from '../native.ts';

/** GLM 2021's fine-tuning: AdamW with a decay of 0.1, clipped at 1. */
export const OPTIMIZER: Omit<AdamWOptions, 'learningRate'> = {
  clip: 1,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  weightDecay: 0.1,
  decayAll: false,
};

export interface Trunk {
  folder: ModelFolder;
  trainer: NativeTrainer;
  update(learningRate: number): Promise<void>;
  /** Returns what brings the present weights back. */
  keep(): () => Promise<void>;
}

/** Throws for a model that cannot be trained. */
export async function openTrunk(folder: ModelFolder, execution: ExecutionOptions): Promise<Trunk> {
  if (folder.bits !== undefined) {
    throw new Error(`${folder.path} is quantised to ${folder.bits} bits: fine-tuning takes models with whole weights.`);
  }
  const trainer = new (loadAddon().Trainer)(folder.config, execution);
  for await (const tensor of folder.tensors()) trainer.set(tensor.name, valuesOf(tensor), 'parameter');
  await trainer.pack();
  trainer.zeroGradients();
  const names = tensorShapes(folder.config).map(({ name }) => name);
  return {
    folder,
    trainer,
    async update(learningRate) {
      const norm = await trainer.update({ ...OPTIMIZER, learningRate });
      if (!Number.isFinite(norm)) throw new Error('The gradient is not finite. Lower the learning rate.');
      trainer.zeroGradients();
    },
    keep() {
      const kept = names.map((name) => ({ name, values: trainer.get(name, 'parameter') }));
      return async () => {
        for (const { name, values } of kept) trainer.set(name, values, 'parameter');
        await trainer.pack();
      };
    },
  };
}
