import { describe, expect, it } from 'vitest';
import {
  branchOf,
  type Conversation,
  exportOf,
  type Message,
  newConversation,
  restored,
  searchIn,
  threadOf,
  titleOf,
  withBranch,
  withChange,
  withMessage,
} from '../../../extension/chat/conversation.ts';

let at = 0;
function said(id: string, parent?: string, values: Partial<Message> = {}): Message {
  const role = id.startsWith('q') ? 'user' : 'assistant';
  return {
    id,
    role,
    text: `text of ${id}`,
    at: ++at,
    state: 'done',
    ...(parent !== undefined && { parent }),
    ...values,
  };
}
const of = (...messages: Message[]): Conversation => messages.reduce(withMessage, newConversation('c'));
const path = (conversation: Conversation) => threadOf(conversation).map(({ id }) => id);

describe('branches', () => {
  const asked = of(said('q1'), said('a1', 'q1'), said('q2', 'a1'), said('a2', 'q2'));

  it('another answer is a branch, and what followed the first is kept', () => {
    const again = withMessage(asked, said('a1b', 'q1'));
    expect(path(again)).toEqual(['q1', 'a1b']);
    expect(branchOf(again, again.messages.at(-1) as Message)).toEqual({ index: 1, count: 2 });
    expect(path(withBranch(again, 'a1b', -1))).toEqual(['q1', 'a1', 'q2', 'a2']);
  });

  it('an edited first question begins another path', () => {
    const edited = withMessage(withMessage(asked, said('q1b')), said('a3', 'q1b'));
    expect(path(edited)).toEqual(['q1b', 'a3']);
    const back = withBranch(edited, 'q1b', -1);
    expect(path(back)).toEqual(['q1', 'a1', 'q2', 'a2']);
    expect(path(withBranch(back, 'q1', 1))).toEqual(['q1b', 'a3']);
  });

  it('there is nothing beyond the ends, and nothing beside what is not there', () => {
    expect(withBranch(asked, 'q1', 1)).toBe(asked);
    expect(withBranch(asked, 'nobody', 1)).toBe(asked);
  });

  it('a change leaves the others as they were', () => {
    const changed = withChange(asked, 'a1', { state: 'stopped' });
    expect(changed.messages.map(({ state }) => state)).toEqual(['done', 'stopped', 'done', 'done']);
    expect(asked.messages[1]?.state).toBe('done');
  });
});

describe('what is stored', () => {
  const stored = of(
    said('q1', undefined, { context: ['a.ts'] }),
    said('a1', 'q1', { state: 'streaming', model: 'glm' }),
  );

  it('comes back, and what was being written has stopped', () => {
    const back = restored(JSON.parse(JSON.stringify(stored)));
    expect(back && path(back)).toEqual(['q1', 'a1']);
    expect(back?.messages[1]?.state).toBe('stopped');
  });

  it.each([
    null,
    [],
    {},
    { id: 'x', messages: 'no', chosen: {} },
    { id: 'x', messages: [{ id: 'q' }], chosen: {} },
    { id: 'x', messages: [{ ...said('q1'), role: 'system' }], chosen: {} },
    { id: 'x', messages: [{ ...said('q1'), context: [1] }], chosen: {} },
  ])('%j is no conversation', (value) => expect(restored(value)).toBeUndefined());
});

it('a title is the first line of the first question', () => {
  expect(titleOf(of(said('q1', undefined, { text: 'Why?\nBecause.' })))).toBe('Why?');
  expect(titleOf(of(said('q1', undefined, { text: 'x'.repeat(80) })))).toHaveLength(60);
  expect(titleOf(newConversation('c'))).toBe('');
});

it('all words are searched, in all versions', () => {
  const conversation = of(
    said('q1', undefined, { text: 'Sort by Name' }),
    said('a1', 'q1', { text: 'x\nuse a map here' }),
  );
  expect(searchIn(conversation, 'MAP sort')).toBe('use a map here');
  expect(searchIn(conversation, '')).toBe('Sort by Name');
  expect(searchIn(conversation, 'map tree')).toBeUndefined();
});

it('is exported as it is shown', () => {
  const conversation = of(
    said('q1', undefined, { text: 'Why?' }),
    said('old', 'q1'),
    said('a1', 'q1', { text: '', model: 'glm', state: 'failed', problem: 'no answer' }),
  );
  expect(exportOf(conversation, { user: 'You', assistant: 'Cloze' })).toBe(
    '# Why?\n\n## You\n\nWhy?\n\n## glm\n\n> no answer\n',
  );
});
