/** The configuration for Neovim in docs/language-server.md in a real Neovim 0.12, where one is installed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configuration, createProject, installed, type Project } from './configurations.ts';

/** Inline completion came with 0.12. */
const neovim = installed(process.env.CLOZE_NVIM ?? 'nvim', ['--version'], /^NVIM v(0\.1[2-9]|0\.[2-9]\d|[1-9])/);
const PATIENTLY = { timeout: 60_000, interval: 250 };

describe.skipIf(neovim === undefined)('Neovim', () => {
  let project: Project;
  let editor: ChildProcess;
  const socket = () => join(project.folder, 'socket');

  beforeAll(() => {
    project = createProject();
    const init = join(project.folder, 'init.lua');
    writeFileSync(init, `vim.g.mapleader = ' '\n${configuration('lua')}`);
    const args = ['--headless', '--clean', '-n', '-u', init, '--listen', socket(), project.file];
    editor = spawn(neovim as string, args, { stdio: 'ignore' });
  });
  afterAll(async () => {
    editor.kill();
    await project.dispose();
  });

  const remote = (...args: string[]) =>
    execFileSync(neovim as string, ['--headless', '--clean', '--server', socket(), ...args], { encoding: 'utf8' });
  const lua = (expression: string): string =>
    remote('--remote-expr', `luaeval("${expression.replaceAll('"', '\\"')}")`).trim();
  const type = (keys: string) => void remote('--remote-send', keys);

  /** What stands after the cursor without being in the text. */
  const ghost = () =>
    lua(
      "vim.json.encode(vim.tbl_map(function(mark) return mark[4].virt_text and mark[4].virt_text[1][1] or '' end, " +
        "vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion'], 0, -1, {details = true})))",
    );
  const text = () =>
    (JSON.parse(lua('vim.json.encode(vim.api.nvim_buf_get_lines(0, 0, -1, true))')) as string[]).join('\n');

  test('suggests while typing, and Tab takes it', async () => {
    const clients = () => {
      try {
        return lua("#vim.lsp.get_clients({name = 'cloze', bufnr = 0})");
      } catch {
        // It is still starting.
        return '';
      }
    };
    await expect.poll(clients, PATIENTLY).toBe('1');
    type(`${project.line}GA(`);
    await expect.poll(ghost, PATIENTLY).toMatch(/^\["const item of items/);
    type('<Tab>');
    await expect.poll(ghost, PATIENTLY).not.toMatch(/^\["const item of items/);
    expect(text()).toMatch(/third.*\n.*total = 0;\n {2}for \(const item of items/);
  });

  test('a tab is a tab where nothing is suggested', async () => {
    type('<Esc>ggO');
    type('// <Esc>');
    await expect.poll(text, PATIENTLY).toMatch(/^\/\/ \n/);
    type('A<Tab><Esc>');
    await expect.poll(text, PATIENTLY).toMatch(/^\/\/ \s+\n/);
    expect(text()).toMatch(/^\/\/ (\t| +)\n/);
  });

  test('fills the lines of a selection', async () => {
    type('<Esc>gg/total +=<CR>:s/total.*/oops/<CR>');
    await expect.poll(text, PATIENTLY).toContain('    oops\n');
    type('<Esc>V f');
    await expect.poll(text, PATIENTLY).not.toContain('oops');
    expect(text()).toMatch(/of items\) \{\n {4}\S.*\n/);
  });
});
