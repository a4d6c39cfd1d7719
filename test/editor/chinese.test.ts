/** VS Code in Chinese: the extension's commands, pages and status speak it, as far as they are its own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChatServer, startChatServer } from '../server/chat-server.ts';
import { framedPage, openFile, runCommand, screenshot } from './browser-page.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

let workbench: Workbench;
let server: ChatServer;

beforeAll(async () => {
  server = await startChatServer(() => ['答案是 `42`。']);
  const settings = { 'cloze.chat.server': server.url, 'cloze.offline': false };
  workbench = await openWorkbench(process.cwd(), settings, { language: 'zh-cn' });
  workbench.page.setDefaultTimeout(150_000);
  await openFile(workbench.page, 'inventory.ts');
});
afterAll(async () => {
  await workbench?.dispose();
  server?.dispose();
});

test('the chat speaks Chinese', async () => {
  const { page } = workbench;
  await runCommand(page, '打开聊天');
  const chat = await framedPage(page, 'chat');
  const input = chat.getByRole('combobox', { name: '消息' });
  await input.waitFor();
  await chat.getByRole('button', { name: '选择模型: glm-test' }).waitFor();
  await chat.getByText('此模型运行在').first().waitFor();
  await screenshot(page, 'test/output/chinese-welcome.png');
  await input.fill('/explain');
  await input.press('Enter');
  await chat.getByText('回答完毕。').waitFor();
  expect(await chat.locator('html').getAttribute('lang')).toBe('zh-cn');
  expect(await chat.locator('main').innerText()).not.toMatch(/\b(Ask|Sent along|Copy|You|tokens)\b/);
});

test('the Lens and the statistics speak Chinese', async () => {
  const { page } = workbench;
  await runCommand(page, '显示统计');
  const statistics = await framedPage(page, 'statistics');
  await statistics
    .getByRole('row', { name: /^全部接受/ })
    .first()
    .waitFor();
  await runCommand(page, '打开透镜');
  const lens = await framedPage(page, 'lens');
  await lens.getByText('还没有补全过').first().waitFor();
  await screenshot(page, 'test/output/chinese.png');
});
