/** Everything that is text to edit, by the scheme of its address; output, search results and old versions are not. */
export const documentSelector = ['file', 'untitled', 'vscode-userdata', 'vscode-notebook-cell', 'vscode-vfs'].map(
  (scheme) => ({ scheme }),
);
