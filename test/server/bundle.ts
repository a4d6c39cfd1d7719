/** Bundles the server under test once, before the tests: the server that ships, around an engine that plays a script. */
import { build } from 'esbuild';
import { SCRIPTED_SERVER } from './script.ts';

export async function setup(): Promise<void> {
  await build({
    entryPoints: ['test/server/scripted-server.ts'],
    outfile: SCRIPTED_SERVER,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    // The addon's place is not asked for.
    logOverride: { 'empty-import-meta': 'silent' },
  });
}
