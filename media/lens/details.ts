/** One token in words and numbers: what it is, where it came from, whom it sees, and what else was probable. */
import { type Arrangement, predictor } from '../../engine/objective/paradigms.ts';
import type { FillTrace, PartBToken } from '../../language-server/protocol.ts';
import { bar, element } from '../element.ts';
import { percent, percentOf, tokenText } from './token-text.ts';
import { type Selected, seenStretches, tokenAt } from './view.ts';
import {
  degreeWords,
  idWords,
  joined,
  noRowWords,
  originWords,
  placeWords,
  positionWords,
  rowWords,
  trustWords,
  typedBytesWords,
  words,
} from './words.ts';

export function detailsOf(trace: FillTrace, arrangement: Arrangement, selected: Selected): Node[] {
  const token = tokenAt(trace, selected);
  if (!token) return [];
  const facts = [placeWords(selected.part, selected.index), idWords(token.id)];
  if (token.position !== undefined) facts.push(positionWords(token.position, token.blockPosition));
  if ('origin' in token) {
    facts.push(originWords[token.origin], rowWords[token.row]);
    if (token.forcedBytes !== undefined) facts.push(typedBytesWords(token.forcedBytes));
  }
  const title = element('h3', {}, `${words.token} `, element('code', {}, tokenText(token)));
  const lines = [title, element('p', {}, facts.join(' · ')), element('p', {}, degree(arrangement, selected))];
  if (!('origin' in token) || token.logProbability === undefined) return lines;
  return [...lines, ...rivals(token, token.logProbability)];
}

function degree(arrangement: Arrangement, { part, index }: Selected): string {
  const { rows, visible } = arrangement;
  const own = rows.findIndex((row) => row.part === part && row.index === index);
  if (own < 0) {
    return noRowWords(part === 'B' ? predictor(arrangement, index) : undefined);
  }
  const sees = seenStretches(arrangement, own).reduce((sum, { from, to }) => sum + to - from, 0);
  const seenBy = rows.filter((_, i) => visible(i, own)).length;
  return degreeWords(sees, seenBy, rows.length);
}

function rivals(token: PartBToken, logProbability: number): Node[] {
  const known = token.rivals;
  const chosen = { token, logProbability, fromDocument: token.fromDocument, chosen: true };
  const others = (known ?? []).map((rival) => ({ ...rival, token: rival, chosen: false }));
  const all = [chosen, ...others].toSorted((x, y) => y.logProbability - x.logProbability);
  const mixed = token.trust !== undefined;
  const table = element(
    'table',
    { class: 'rivals' },
    element('caption', {}, words.rivals),
    element('thead', {}, headings([words.token, words.probability, ...(mixed ? [words.document] : []), ''])),
    element(
      'tbody',
      {},
      ...all.map((each) =>
        element(
          'tr',
          each.chosen ? { class: 'chosen' } : {},
          element(
            'th',
            { scope: 'row' },
            element('code', {}, tokenText(each.token)),
            each.chosen ? ` (${words.chosen})` : '',
          ),
          element('td', {}, percent(each.logProbability)),
          ...(mixed ? [element('td', {}, percentOf(each.fromDocument ?? 0))] : []),
          element('td', { 'aria-hidden': 'true' }, bar(Math.exp(each.logProbability), each.fromDocument)),
        ),
      ),
    ),
  );
  const source = element('p', { class: 'legend' }, sourceOf(token));
  return known ? [table, source] : [table, element('p', {}, words.noRivals), source];
}

/** Whose probabilities these are. */
function sourceOf({ origin, trust }: PartBToken): string {
  const own = trust === undefined ? words.networkAlone : trustWords(percentOf(trust));
  return origin === 'forced' ? joined(words.typed, own) : own;
}

export function headings(names: string[]): HTMLElement {
  const cells = names.map((name) => (name === '' ? element('td') : element('th', { scope: 'col' }, name)));
  return element('tr', {}, ...cells);
}
