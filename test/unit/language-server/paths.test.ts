import { expect, it } from 'vitest';
import { relativePath } from '../../../language-server/paths.ts';

const cases: [uri: string, roots: string[], path: string][] = [
  ['file:///project/src/a.ts', ['file:///project'], 'src/a.ts'],
  ['file:///project/src/a.ts', ['file:///project/'], 'src/a.ts'],
  ['file:///project/packages/one/a.ts', ['file:///project', 'file:///project/packages/one'], 'a.ts'],
  ['file:///elsewhere/a.ts', ['file:///project'], 'a.ts'],
  ['file:///projects/a.ts', ['file:///project'], 'a.ts'],
  ['file:///project/a%20b/%E5%90%8D.ts', ['file:///project'], 'a b/名.ts'],
  ['file:///c%3A/project/a.ts', ['file:///c:/project'], 'a.ts'],
  ['untitled:Untitled-1', [], 'Untitled-1'],
  ['vscode-notebook-cell:/project/book.ipynb#W0sZmlsZQ', ['file:///project'], 'book.ipynb'],
  ['vscode-remote://ssh-remote+host/project/a.ts', ['vscode-remote://ssh-remote+host/project'], 'a.ts'],
  ['file:///project/100%.ts', ['file:///project'], '100%.ts'],
  ['not a uri', [], 'not a uri'],
];

it.each(cases)('%s below %j', (uri, roots, path) => {
  expect(relativePath(uri, roots)).toBe(path);
});
