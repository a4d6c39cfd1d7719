/**
 * The frame of a page that the extension shows: strict policy, its own script and style sheet, the sentences of the
 * editor's language. It holds no other text: the script puts all of it in, as text nodes.
 */
import { randomBytes } from 'node:crypto';
import { env, l10n, Uri, type Webview } from 'vscode';

/** `folder` holds the page's `main.js` and `style`; its script finds the element with the id `root`. */
export function pageOf(webview: Webview, folder: Uri, page: { title: string; root: string; style: string }): string {
  const nonce = randomBytes(16).toString('base64');
  const of = (name: string) => webview.asWebviewUri(Uri.joinPath(folder, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  const sentences = JSON.stringify(l10n.bundle ?? {}).replaceAll('<', '\\u003c');
  return `<!DOCTYPE html>
<html lang="${escaped(env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${of(page.style)}">
<title>${escaped(page.title)}</title>
</head>
<body>
<main id="${page.root}"></main>
<script id="l10n" type="application/json">${sentences}</script>
<script nonce="${nonce}" src="${of('main.js')}"></script>
</body>
</html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
