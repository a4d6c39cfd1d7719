/** A headless browser with one page on a VS Code, and the few things that a person does in it. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { chromium, type Frame, type Locator, type Page } from 'playwright-core';
import type { Chromium } from './chromium-install.ts';

/** First start of a machine under load: the slowest thing that is waited for. */
const PATIENCE = 150_000;

/** Of the editor's input at the top, which then is opened again. */
const QUICK_INPUT = 15_000;

/** Milliseconds that a suggestion has stood still. */
const SETTLED = 300;

export interface BrowserPage {
  page: Page;
  dispose(): Promise<void>;
}

export async function openPage(browser: Chromium, url: string): Promise<BrowserPage> {
  const running = await chromium.launch({
    executablePath: browser.executable,
    env: { ...(process.env as Record<string, string>), ...browser.env },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
  const page = await running.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(url);
  await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
  return { page, dispose: () => running.close() };
}

/**
 * Opens a file of the workspace by its name and gives its editor the keyboard. What is coloured has its language's rules
 * too: without them the editor would indent a new line otherwise than a person sees it do.
 */
export async function openFile(page: Page, name: string): Promise<void> {
  await page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).dblclick();
  await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  await page.locator('.editor-instance .view-line').first().waitFor();
  if (/\.(ts|js|py)$/.test(name)) {
    await page.locator('.editor-instance .view-line [class*="mtk"]:not(.mtk1)').first().waitFor();
  }
}

/** Gives the editor the keyboard by a click on its first letter: one on the middle of a long line would scroll to it. */
export async function focusEditor(page: Page): Promise<void> {
  await page
    .locator('.editor-instance .view-line')
    .first()
    .click({ position: { x: 2, y: 8 } });
}

/** Puts the cursor after `column - 1` characters of `line`, both counted from 1. */
export async function goTo(page: Page, line: number, column: number): Promise<void> {
  await throughQuickInput(page, 'Control+g', `:${line}:${column}`, (input) => input.press('Enter'));
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

/** What is suggested on the cursor's own line (more lines stand in a zone below it); waits until it has settled. */
export async function ghostText(page: Page): Promise<string> {
  const ghost = page.locator('.view-lines .ghost-text-decoration, .view-lines .ghost-text');
  for (;;) {
    await ghost.first().waitFor();
    const read = async () => (await ghost.allTextContents()).join('').replaceAll('\u00a0', ' ');
    const text = await read();
    // What stood there for an earlier letter may be about to go.
    await page.waitForTimeout(SETTLED);
    if (text && text === (await read())) return text;
  }
}

/** Runs a command by its title in the palette. */
export async function runCommand(page: Page, title: string): Promise<void> {
  const shown = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
  // The row itself: another one may still be the active one.
  await throughQuickInput(page, 'F1', `>${title}`, () => shown.click({ timeout: QUICK_INPUT }));
}

/** Opens the editor's input at the top by `key`, writes `text` and confirms it; again where it went before that. */
async function throughQuickInput(
  page: Page,
  key: string,
  text: string,
  confirm: (input: Locator) => Promise<void>,
): Promise<void> {
  const input = page.locator('.quick-input-widget input').first();
  for (let attempt = 1; ; attempt++) {
    await page.keyboard.press(key);
    try {
      await input.fill(text, { timeout: QUICK_INPUT });
      return await confirm(input);
    } catch (error) {
      // It goes when something else takes the keyboard.
      if (attempt === 5) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

export async function screenshot(page: Page, file: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  await page.screenshot({ path: file });
}

/** Cloze's item in the status bar, once its label begins with `label`. */
export function statusLabel(page: Page, label: string): Locator {
  return page.locator(`.statusbar-item [aria-label^="${label}"], .statusbar-item[aria-label^="${label}"]`).first();
}

/** The page of the extension whose main element has the id `root`, within the two frames that VS Code puts around it. */
export async function framedPage(page: Page, root: string): Promise<Frame> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    for (const frame of page.frames()) {
      // A frame may go away while it is asked.
      if (await frame.$(`main#${root}`).catch(() => null)) return frame;
    }
    if (Date.now() > end) throw new Error(`No frame of the window shows the page "${root}".`);
    await page.waitForTimeout(200);
  }
}
