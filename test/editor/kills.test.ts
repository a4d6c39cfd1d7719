/**
 * The language server is killed at random while somebody types. What it has understood of the document is replayed from
 * what the editor told it. `CLOZE_KILLS` says how often.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TextDocument, type TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';
import { createRandom } from '../../engine/objective/random.ts';
import { ghostText, goTo, openFile, runCommand, screenshot, statusLabel } from './browser-page.ts';
import { processesWith } from './processes.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const KILLS = Number(process.env.CLOZE_KILLS ?? 10);

/** Writes down all that the process is told, before it hears it itself. */
const HOOK = `
{
  const { appendFileSync } = require('node:fs');
  const told = process.env.CLOZE_TOLD + '/' + process.pid + '.jsonl';
  const emit = process.emit;
  process.emit = function (event, ...given) {
    if (event === 'message') appendFileSync(told, JSON.stringify(given[0]) + '\\n');
    return emit.call(this, event, ...given);
  };
}`;

interface Told {
  method?: string;
  params?: {
    textDocument?: { uri: string; version: number; text: string };
    contentChanges?: TextDocumentContentChangeEvent[];
  };
}

let workbench: Workbench;
let told: string;

beforeAll(async () => {
  const settings = {
    'cloze.completion.timeLimit': 0,
    // What TypeScript lists would be taken by some of the keys.
    'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
    'editor.suggestOnTriggerCharacters': false,
  };
  const env = (folder: string) => {
    told = join(folder, 'told');
    mkdirSync(told);
    return { CLOZE_TOLD: told };
  };
  const installed = (extension: string) => {
    const server = join(extension, 'dist/server.cjs');
    const [first = '', ...rest] = readFileSync(server, 'utf8').split('\n');
    writeFileSync(server, [first, HOOK, ...rest].join('\n'));
  };
  workbench = await openWorkbench(process.cwd(), settings, { env, installed });
  workbench.page.setDefaultTimeout(60_000);
});
afterAll(() => workbench?.dispose());
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await screenshot(workbench.page, 'test/output/kills-failed.png');
  await runCommand(workbench.page, 'Cloze: Why No Suggestion?');
  await workbench.page.locator('.tab.active[data-resource-name^="Why No Suggestion"]').waitFor();
  await screenshot(workbench.page, 'test/output/kills-failed-why.png');
});

test('no character is lost or doubled, the server knows the text, and suggests again', {
  timeout: 900_000,
}, async () => {
  const { page } = workbench;
  const random = createRandom(10);
  await openFile(page, 'inventory.ts');
  await statusLabel(page, 'Cloze: Ready').waitFor();
  const lines = saved().split('\n');
  let at = lines.findIndex((line) => line.includes('totalPrice()')) + 1;
  await goTo(page, at, 100);
  for (let kill = 0; kill < KILLS; kill++) {
    const [before] = servers();
    const text = `const counted${'abcdefghij'.repeat(2).slice(random.below(10))}${kill} = `;
    const last = random.below(3) === 0 ? text.length - 1 : random.below(text.length);
    await page.keyboard.press('Enter');
    for (const [index, key] of [...text].entries()) {
      await page.keyboard.type(key);
      if (index === last) {
        process.kill(before ?? 0, 'SIGKILL');
        // Not what this one has suggested.
        if (index < text.length - 1) await page.keyboard.press('Escape');
      }
      await page.waitForTimeout(random.below(60));
    }
    await expect.poll(() => servers().filter((pid) => pid !== before)).toHaveLength(1);
    expect(await ghostText(page)).not.toBe('');
    if (kill === KILLS - 1) await screenshot(page, 'test/output/kills.png');
    await page.keyboard.press('Escape');
    await page.keyboard.type('0;');

    lines.splice(at++, 0, `    ${text}0;`);
    await page.keyboard.press('Control+s');
    await expect.poll(saved).toBe(lines.join('\n'));
    await expect.poll(understood).toBe(lines.join('\n'));
  }
  // Each of them, and one that lives.
  expect(readdirSync(told)).toHaveLength(KILLS + 1);
});

function saved(): string {
  return readFileSync(join(workbench.workspace, 'inventory.ts'), 'utf8');
}

/** Process ids of this workbench's language servers. */
function servers(): number[] {
  return processesWith(workbench.folder, 'dist/server.cjs');
}

/** The text of the document as the server that runs was told it: once as a whole, and then change by change. */
function understood(): string {
  const files = readdirSync(told).map((name) => join(told, name));
  const [newest = ''] = files.toSorted((a, b) => statSync(b).birthtimeMs - statSync(a).birthtimeMs);
  let document: TextDocument | undefined;
  for (const { method, params } of readFileSync(newest, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Told)) {
    const { textDocument, contentChanges } = params ?? {};
    if (!textDocument?.uri.endsWith('inventory.ts')) continue;
    const { uri, version, text } = textDocument;
    if (method === 'textDocument/didOpen') document = TextDocument.create(uri, 'typescript', version, text);
    if (method === 'textDocument/didClose') document = undefined;
    if (document && contentChanges) document = TextDocument.update(document, contentChanges, version);
  }
  return document?.getText() ?? '';
}
