/** The configuration for Emacs in docs/language-server.md in a real Emacs with lsp-mode 10, where they are installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configuration, createProject, installed } from './configurations.ts';

/** Debian keeps the packages of Emacs here; elsewhere the user's own are found. */
const PACKAGES = `(let ((default-directory "/usr/share/emacs/site-lisp/elpa-src/"))
  (when (file-directory-p default-directory) (normal-top-level-add-subdirs-to-load-path)))
(package-initialize)`;
const FINDS = ['--batch', '--eval', `(progn ${PACKAGES} (princ (locate-library "lsp-inline-completion")))`];
const emacs = installed(process.env.CLOZE_EMACS ?? 'emacs', FINDS, /lsp-inline-completion/);

describe.skipIf(emacs === undefined)('Emacs', () => {
  test('suggests when it is asked, and takes the suggestion', { timeout: 120_000 }, async () => {
    const project = createProject();
    try {
      const script = join(project.folder, 'script.el');
      writeFileSync(script, scriptFor(project));
      const { stdout, stderr } = spawnSync(emacs as string, ['--batch', '-l', script], {
        encoding: 'utf8',
        env: { ...process.env, HOME: project.folder },
        timeout: 100_000,
      });
      expect(stdout, stderr).toMatch(/^shown: \(const item of items/m);
      expect(readFileSync(project.file, 'utf8')).toMatch(/third.*\n.*total = 0;\n {2}for \(const item of items/);
    } finally {
      await project.dispose();
    }
  });
});

/** What a person does: opens the file, goes to the place, presses the key, takes what is shown and saves. */
function scriptFor({ folder, file, line, column }: ReturnType<typeof createProject>): string {
  return `${PACKAGES}
${configuration('elisp')}
;; A major mode that every Emacs has, for a file of this name.
(add-to-list 'auto-mode-alist '("\\\\.ts\\\\'" . js-mode))
(setq lsp-auto-guess-root t lsp-enable-file-watchers nil)
(require 'lsp-mode)
(make-directory "${folder}/.git" t)
(find-file "${file}")
(lsp)
(let ((tries 0))
  (while (and (< tries 300) (not (seq-some (lambda (each) (eq (lsp--workspace-status each) (quote initialized))) (lsp-workspaces))))
    (accept-process-output nil 0.1)
    (setq tries (1+ tries))))
(goto-char (point-min))
(forward-line ${line - 1})
(forward-char ${column - 1})
(call-interactively (lookup-key lsp-mode-map (kbd "C-c .")))
(princ (format "shown: %s\\n" (lsp:inline-completion-item-insert-text (car lsp-inline-completion--items))))
(lsp-inline-completion-accept)
(save-buffer)
`;
}
