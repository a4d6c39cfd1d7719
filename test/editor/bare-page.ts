/** A page of the extension alone in a real browser, under the policy that it has in the editor. */
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { installChromium } from './chromium-install.ts';

const POLICY = "default-src 'none'; style-src 'nonce-test'; script-src 'nonce-test'";
/** Stands for the editor: remembers what the page says. */
const HOST = `window.said = []; window.acquireVsCodeApi = () => ({
  postMessage: (message) => window.said.push(message), getState() {}, setState() {} });`;

export async function openBrowser(): Promise<Browser> {
  const chrome = await installChromium((line) => console.log(`cloze: ${line}`));
  return chromium.launch({
    executablePath: chrome.executable,
    env: { ...(process.env as Record<string, string>), ...chrome.env },
    args: ['--no-sandbox', '--disable-gpu'],
  });
}

/** Markup of the page whose sources lie in `media/NAME`; with `language`, in that of the bundles in `l10n/`. */
export async function barePage(name: string, title: string, language?: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`media/${name}/main.ts`, `media/${name}/${name}.css`],
    outdir: 'nowhere',
    bundle: true,
    format: 'iife',
    write: false,
  });
  const of = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text;
  const sentences = language ? readFileSync(`l10n/bundle.l10n.${language}.json`, 'utf8') : '{}';
  return `<!DOCTYPE html><html lang="${language ?? 'en'}"><head>
    <meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>${title}</title>
    <style nonce="test">${of('.css')}</style></head><body class="vscode-light"><main id="${name}"></main>
    <script id="l10n" type="application/json">${sentences}</script>
    <script nonce="test">${HOST}</script><script nonce="test">${of('.js')}</script></body></html>`;
}
