/** The Lens page: holds the trace that is shown and what of it is selected, and puts the parts together. */
import { type Arrangement, arrange, type Paradigm, paradigms, predictor } from '../../engine/objective/paradigms.ts';
import type { FillTrace } from '../../language-server/protocol.ts';
import { button, element, section } from '../element.ts';
import { detailsOf } from './details.ts';
import { createMatrix } from './matrix.ts';
import { type FromPage, isToPage } from './messages.ts';
import { svgOf } from './svg.ts';
import { timingsOf } from './timings.ts';
import { type ChipEvents, partAList, partBList, type TokenList } from './token-list.ts';
import { tokenText } from './token-text.ts';
import { countSeen, lastStep, passageOf, placeOf, type Selected, tokenAt, unseenFrom } from './view.ts';
import {
  headWords,
  joined,
  paradigmNames,
  paradigmSentence,
  readWords,
  spanOrderWords,
  stepWords,
  summaryWords,
  words,
} from './words.ts';

interface Host {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: { paradigm: Paradigm }): void;
}
declare function acquireVsCodeApi(): Host;

const host = acquireVsCodeApi();

interface Shown {
  trace: FillTrace;
  arrangement: Arrangement;
  partA: TokenList;
  partB: TokenList;
}

let shown: Shown | undefined;
/** Came while the fill that is shown was kept. */
let waiting: FillTrace | undefined;
let paradigm = savedParadigm();
let selected: Selected = { part: 'B', index: 0 };

const head = element('p', { class: 'head' }, words.empty);
const facts = element('p');
const keep = element('input', { type: 'checkbox', id: 'keep' });
const slider = element('input', { type: 'range', id: 'step', min: '1', step: '1' });
const stepLabel = element('output', { for: 'step' });
const details = element('div', { class: 'details' });
const partAPlace = element('div');
const partBPlace = element('div');
const timePlace = element('div');
const sentence = element('p', { class: 'sentence', role: 'status' });
const summary = element('p', { class: 'summary' });
const matrix = createMatrix({
  select,
  point: (tokens) => {
    const of = (wanted: Selected['part']) => tokens.filter(({ part }) => part === wanted).map(({ index }) => index);
    shown?.partA.point(of('A'));
    shown?.partB.point(of('B'));
  },
});
const content = element('div', { class: 'content', hidden: '' });

function savedParadigm(): Paradigm {
  const state = host.getState() as { paradigm?: unknown } | undefined;
  return paradigms.find((each) => each === state?.paradigm) ?? 'glm';
}

function step(): number {
  return Number(slider.value);
}

function select(next: Selected): void {
  selected = { part: next.part, index: next.index };
  if (selected.part === 'B' && selected.index > 0) slider.value = String(selected.index);
  update();
}

function eventsOf(part: Selected['part']): ChipEvents {
  return {
    select: (index) => select({ part, index }),
    point: (index) => matrix.outline(index === undefined ? undefined : { part, index }),
  };
}

function goTo(next: number): void {
  if (!shown) return;
  const to = Math.min(lastStep(shown.trace), Math.max(1, next));
  select({ part: 'B', index: to });
}

function show(trace: FillTrace): void {
  const hadFocus = [partAPlace, partBPlace].find((place) => place.contains(document.activeElement));
  shown = {
    trace,
    arrangement: arrange(paradigm, passageOf(trace)),
    partA: partAList(trace, words.partA, eventsOf('A')),
    partB: partBList(trace, words.partB, eventsOf('B')),
  };
  partAPlace.replaceChildren(shown.partA.root);
  partBPlace.replaceChildren(shown.partB.root);
  timePlace.replaceChildren(timingsOf(trace));
  head.textContent = headWords(trace);
  facts.textContent = joined(readWords(trace), spanOrderWords(trace));
  content.hidden = false;
  const last = lastStep(trace);
  slider.max = String(Math.max(1, last));
  slider.disabled = last === 0;
  slider.value = String(last);
  selected = { part: 'B', index: last };
  summarize(shown);
  update();
  hadFocus?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
}

function summarize({ trace, arrangement }: Shown): void {
  const of = selected.part === 'B' ? selected.index : step();
  sentence.textContent = paradigmSentence(paradigm, trace, placeOf(trace, of));
  summary.textContent = summaryWords(paradigmNames[paradigm], countSeen(arrangement));
}

/** Draws what depends on the step or the selection. */
function update(): void {
  if (!shown) return;
  const { trace, arrangement, partA, partB } = shown;
  const last = lastStep(trace);
  const token = trace.partB[step()];
  stepLabel.textContent = token ? stepWords(step(), last, tokenText(token)) : '';
  slider.setAttribute('aria-valuetext', stepLabel.textContent);
  details.replaceChildren(...detailsOf(trace, arrangement, selected));
  const own = arrangement.rows.findIndex(({ part, index }) => part === selected.part && index === selected.index);
  const chosen = selected.part === 'B' && trace.partB[selected.index]?.logProbability !== undefined;
  const predicts = chosen ? predictor(arrangement, selected.index) : own;
  const current = predicts === undefined || predicts < 0 ? undefined : predicts;
  const unseen = unseenFrom(arrangement, current);
  // A token that is chosen is not there to be seen.
  if (chosen) unseen.B.delete(selected.index);
  const reached = last === 0 ? 1 : step();
  partA.mark(selected.part === 'A' ? selected.index : undefined, trace.partA.length, unseen.A);
  partB.mark(selected.part === 'B' ? selected.index : undefined, last === 0 ? 0 : step(), unseen.B);
  matrix.show({
    arrangement,
    name: (row) => (row.hidden ? '[MASK]' : tokenText(tokenAt(trace, row) ?? { id: 0, text: '' })),
    reached,
    current,
  });
}

function choose(next: Paradigm): void {
  paradigm = next;
  host.setState({ paradigm });
  if (!shown) return;
  shown.arrangement = arrange(paradigm, passageOf(shown.trace));
  summarize(shown);
  update();
}

function paradigmChoice(): HTMLElement {
  const choices = paradigms.map((each) => {
    const input = element('input', { type: 'radio', name: 'paradigm', value: each });
    input.checked = each === paradigm;
    input.addEventListener('change', () => choose(each));
    return element('label', {}, input, paradigmNames[each]);
  });
  return element('fieldset', {}, element('legend', {}, words.asSeenBy), ...choices);
}

slider.addEventListener('input', () => goTo(step()));
keep.addEventListener('change', () => {
  if (keep.checked || !waiting) return;
  show(waiting);
  waiting = undefined;
});
window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (!isToPage(data) || data.trace === null) return;
  if (keep.checked && shown) waiting = data.trace;
  else show(data.trace);
});
// A change of theme changes a class of the body; the canvas has to be told.
new MutationObserver(matrix.recolour).observe(document.body, { attributes: true, attributeFilter: ['class'] });

content.append(
  element(
    'div',
    { class: 'tools' },
    button(words.copy, () => shown && host.postMessage({ type: 'copy', text: JSON.stringify(shown.trace, null, 2) })),
    button(words.save, () => {
      if (!shown) return;
      host.postMessage({
        type: 'save',
        svg: svgOf(shown.trace, shown.arrangement, selected.part === 'B' ? selected.index : step()),
      });
    }),
    element('label', { for: 'keep' }, keep, words.keep),
  ),
  facts,
  section(
    'generation',
    words.generation,
    element(
      'div',
      { class: 'tools' },
      button(words.previous, () => goTo(step() - 1), '‹'),
      element('label', { for: 'step' }, words.step),
      slider,
      button(words.next, () => goTo(step() + 1), '›'),
      stepLabel,
    ),
    details,
  ),
  section('part-b', words.partB, element('p', { class: 'legend' }, words.partBLegend), partBPlace),
  section('matrix', words.matrix, paradigmChoice(), sentence, matrix.root, summary),
  section('time', words.time, timePlace),
  section('part-a', words.partA, element('p', { class: 'legend' }, words.partALegend), partAPlace),
);
document.getElementById('lens')?.append(element('h1', {}, words.title), head, content);
host.postMessage({ type: 'ready' });
