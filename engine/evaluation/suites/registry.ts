/** The suites that can be named on the command line. */
import { humanEvalInfilling } from './human-eval-infilling.ts';
import type { Suite } from './suite.ts';

export const suites: Readonly<Record<string, Suite>> = { [humanEvalInfilling.name]: humanEvalInfilling };
