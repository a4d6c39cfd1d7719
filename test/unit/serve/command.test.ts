import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { chooseTokens, serveCommand } from '../../../engine/cli/serve.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function file(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cloze-serve-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'tokens'), text);
  return join(folder, 'tokens');
}

describe('the token of cloze serve', () => {
  it('is random and shown where none is given', async () => {
    vi.stubEnv('CLOZE_TOKEN', '');
    const one = await chooseTokens('127.0.0.1', undefined, false);
    const other = await chooseTokens('127.0.0.1', undefined, false);
    expect(one).toEqual({ tokens: [expect.stringMatching(/^[\w-]{43}$/)], random: true });
    expect(other.tokens).not.toEqual(one.tokens);
  });

  it('comes from the environment, or before that from a file with one a line', async () => {
    vi.stubEnv('CLOZE_TOKEN', 'mine');
    expect(await chooseTokens('0.0.0.0', undefined, false)).toEqual({ tokens: ['mine'], random: false });
    const tokens = chooseTokens('0.0.0.0', await file('one\r\n\n  two \none\n'), false);
    expect(await tokens).toEqual({ tokens: ['one', 'two'], random: false });
    await expect(chooseTokens('::1', await file(' \n'), false)).rejects.toThrow('holds no token');
  });

  it('may be left out on loopback only', async () => {
    vi.stubEnv('CLOZE_TOKEN', 'mine');
    expect(await chooseTokens('localhost', undefined, true)).toEqual({ tokens: [], random: false });
    await expect(chooseTokens('0.0.0.0', undefined, true)).rejects.toThrow('--no-token is for loopback only');
    await expect(chooseTokens('::1', 'tokens', true)).rejects.toThrow('exclude each other');
  });

  it.each([
    [['--port', '65536'], '--port takes a whole number from 0 to 65535'],
    [['--port', ''], '--port takes a whole number'],
    [['--time-limit', '0'], '--time-limit takes a whole number from 1'],
    [['--max-body', '1.5'], '--max-body takes a whole number'],
    [['--queue', '-1'], "'--queue'"],
    [['--host', '0.0.0.0', '--no-token'], '--no-token is for loopback only'],
  ])('%j is refused before a model is loaded', async (args, message) => {
    await expect(serveCommand([...args, '--model', '/nowhere'])).rejects.toThrow(message);
  });
});
