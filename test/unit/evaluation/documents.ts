/** A tiny corpus in memory for the tests of evaluation. */
import type { Documents } from '../../../engine/evaluation/documents.ts';
import type { Task } from '../../../engine/evaluation/task.ts';

export interface TestDocument {
  text: string;
  language: string;
  package?: string;
  path?: string;
}

export function documentsOf(list: readonly TestDocument[]): Documents {
  const at = (index: number) => list[index] as TestDocument;
  return {
    count: list.length,
    size: (index) => at(index).text.length,
    origin: (index) => ({
      path: at(index).path ?? `src/file-${index}`,
      package: at(index).package ?? `package-${index % 2}`,
      language: at(index).language,
    }),
    text: (index) => at(index).text,
  };
}

/** A file of several functions, different for every number. */
export function sourceFile(number: number): string {
  return Array.from(
    { length: 6 },
    (_, i) =>
      `function f${number}_${i}(a, b) {\n  const sum = a + b * ${i};\n  // 😀 ${number}\n\n  return sum - ${number};  \n}\n`,
  ).join('\n');
}

/** `text` with one `<<…>>` around what stood in the blank. */
export function taskOf(text: string, more: Partial<Task> = {}): Task {
  const [before, rest] = text.split('<<') as [string, string];
  const [expected, after] = rest.split('>>') as [string, string];
  return {
    id: 'hand-made/0',
    kind: 'rest of line',
    language: 'typescript',
    package: 'hand-made',
    path: 'a.ts',
    before,
    after,
    expected,
    neighbours: [],
    ...more,
  };
}
