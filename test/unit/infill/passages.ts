/** The passage and options that the tests of infilling share. */
import type { FillOptions, Passage } from '../../../engine/infill/fill.ts';
import { reciting, type ToyOptions, toy } from './toy.ts';

export const passage: Passage = {
  path: 'a.ts',
  languageId: 'typescript',
  before: 'const x = 1;\n',
  after: '\nend\n',
  forced: '',
  neighbours: [],
  kind: 'token',
};
export const options: FillOptions = {
  maxTokens: 40,
  temperature: 0,
  topP: 1,
  seed: 1,
  singleLine: false,
  timeLimit: 0,
};
/** A model that says `text` in whatever blank. */
export const recite = (text: string, more: ToyOptions = {}) =>
  toy({ voice: (tokenizer) => reciting(tokenizer, text), ...more });
