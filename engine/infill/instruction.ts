/**
 * Instructions to a model without a conversation: a passage whose header says what is wanted, and a blank where it goes.
 * Part A is `[CLS]`, `<|path|>` path `<|instruction|>` request `<|code|>` before, `[sMASK]`, after, and `<|endoftext|>`
 * where the document ends; Part B is the answer. Training makes its samples of code that has the answer already
 * (training/instruction-samples.ts); whoever asks a model must ask in the same words.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/**
 * `document`: the comment that describes a function, with its delimiters, in the place where the language has it.
 * `implement`: the body of a function whose signature and description stand there. `name`: the name of a function, at its
 * definition, where it stands nowhere else in the passage. `comment`: a line comment, with its sign, above some lines.
 * `test`: one test among a test file's; the function comes before the header, as the snippet of a neighbour file.
 */
export const instructionTasks = ['document', 'implement', 'name', 'comment', 'test'] as const;

export type InstructionTask = (typeof instructionTasks)[number];

/** The wordings of training; the first is the one to ask with. */
export const REQUESTS: Readonly<Record<InstructionTask, readonly [string, ...string[]]>> = {
  document: [
    'Write a comment that describes this function.',
    'Document this function.',
    'Describe what this function does and what its parameters mean.',
  ],
  implement: [
    'Write the body of this function.',
    'Implement this function as it is described.',
    'Complete the function so that it does what its comment says.',
  ],
  name: [
    'Name this function.',
    'Find a name for this function that says what it does.',
    'What is this function called?',
  ],
  comment: [
    'Write a comment for the next lines.',
    'Explain the next lines in a comment.',
    'Say in a comment why the next lines are there.',
  ],
  test: ['Write a test for this function.', 'Test the function above.', 'Add a test that calls the function above.'],
};

/** A request of the user's own is cut to this many characters. */
const LONGEST_REQUEST = 400;
/** The end of a path tells more than its beginning. */
const LONGEST_PATH = 200;

/** `<|path|>` path `<|instruction|>` request `<|code|>`. Throws for a tokenizer without these tokens. */
export function instructionHeader(tokenizer: Tokenizer, path: string, request: string): number[] {
  const { path: opening, instruction, code } = tokenizer.special;
  if (opening === undefined || instruction === undefined || code === undefined) {
    throw new Error('This model takes no instructions: its tokenizer has no <|instruction|>.');
  }
  return [
    opening,
    ...tokenizer.encode(path.slice(-LONGEST_PATH)),
    instruction,
    ...tokenizer.encode(request.slice(0, LONGEST_REQUEST)),
    code,
  ];
}
