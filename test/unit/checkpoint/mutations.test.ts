/** Damaged model folders: always a clear error that names the file. `npm run mutations` tries many more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meets, type Reader, readers } from '../../mutations/readers.ts';

const home = mkdtempSync(join(tmpdir(), 'cloze-mutations-'));
let all: Reader[] = [];
beforeAll(async () => {
  all = await readers(home, join(process.cwd(), 'test/fixtures'));
});
afterAll(() => rmSync(home, { recursive: true }));

const CASES = 25;

describe('every reader', () => {
  it('reads its folder as it is', async () => {
    expect(all).toHaveLength(15);
    for (const reader of all) await reader.read(reader.folder);
  });

  it.each(Array.from({ length: 15 }, (_, index) => index))(
    '%i refuses damage clearly',
    async (index) => {
      const reader = all[index] as Reader;
      for (let seed = 0; seed < CASES; seed++)
        expect(await meets(reader, seed), `${reader.name}, seed ${seed}`).toBeUndefined();
    },
    60_000,
  );
});
