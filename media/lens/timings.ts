/** Where the milliseconds of the fill went. */
import type { FillTrace } from '../../language-server/protocol.ts';
import { bar, element } from '../element.ts';
import { headings } from './details.ts';
import { milliseconds } from './token-text.ts';
import { stageWords, words } from './words.ts';

export function timingsOf(trace: FillTrace): HTMLElement {
  const { tokenize, read, extend, total } = trace.timings;
  const names = stageWords(trace);
  const stages: [name: string, time: number][] = [
    [names.tokenize, tokenize],
    [names.read, read],
    [names.extend, extend],
    [names.other, Math.max(0, total - tokenize - read - extend)],
  ];
  return element(
    'table',
    { class: 'timings' },
    element('caption', {}, `${milliseconds(total)} in all`),
    element('thead', {}, headings([words.stage, words.duration, ''])),
    element(
      'tbody',
      {},
      ...stages.map(([name, time]) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, name),
          element('td', {}, milliseconds(time)),
          element('td', { 'aria-hidden': 'true' }, bar(total > 0 ? time / total : 0)),
        ),
      ),
    ),
  );
}
