/**
 * The document of a webview: it may run its own script and use its own style sheet, nothing else, and loads nothing from
 * elsewhere. It holds no text itself: its script puts all of it in, as text nodes.
 */
import { randomBytes } from 'node:crypto';
import { Uri, type Webview } from 'vscode';

export interface Page {
  /** Where its script and its style sheet lie. */
  folder: Uri;
  /** Name of the style sheet, and the id of the element that the script fills. */
  name: string;
  title: string;
}

export function pageOf(webview: Webview, { folder, name, title }: Page): string {
  const nonce = randomBytes(16).toString('base64');
  const of = (file: string) => webview.asWebviewUri(Uri.joinPath(folder, file)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${of(`${name}.css`)}">
<title>${title}</title>
</head>
<body>
<main id="${name}"></main>
<script nonce="${nonce}" src="${of('main.js')}"></script>
</body>
</html>`;
}
