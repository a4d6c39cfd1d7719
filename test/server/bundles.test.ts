/** What the editor loads of the extension, as `npm run build` made it. */
import { statSync } from 'node:fs';
import { expect, it } from 'vitest';

it('the bundles of the extension host have less than 500 kB together, those of activation less than 100', () => {
  const size = (name: string) => statSync(`dist/${name}`).size;
  expect(size('extension.cjs')).toBeLessThan(100_000);
  expect(size('extension.cjs') + size('client.cjs')).toBeLessThan(500_000);
});
