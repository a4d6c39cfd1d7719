/** The program that `kills.test.ts` kills: resumes or begins the toy run in the given folder, with a checkpoint each step. */
import { dirname } from 'node:path';
import { pretrain } from '../../../engine/training/pretrain.ts';
import { savedPosition } from '../../../engine/training/training-state.ts';
import { JUMPY_RECIPE, toyRun } from './toy-run.ts';

const run = process.argv[2] as string;
process.stdout.write(`at ${(await savedPosition(run))?.step ?? 0}\n`);
const { step } = await pretrain(
  toyRun(dirname(run), run, {
    recipe: JUMPY_RECIPE,
    tokens: 70 * JUMPY_RECIPE.stepTokens,
    resume: true,
    saveEvery: 0,
    onProgress: (progress) => void process.stdout.write(`made ${progress.step}\n`),
  }),
);
process.stdout.write(`ended ${step}\n`);
