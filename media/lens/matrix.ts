/** The visibility matrix on a canvas: a row for every token that looks, a column for every token that can be seen. */
import type { Arrangement, RowSource } from '../../engine/objective/paradigms.ts';
import { button, element } from '../element.ts';
import { around, fitted, type MatrixView, panned, showing, zoomed } from './matrix-view.ts';
import { seenStretches } from './view.ts';
import { cellWords, words } from './words.ts';

export interface MatrixContent {
  arrangement: Arrangement;
  /** The token of a row, as it is shown. */
  name(row: RowSource): string;
  /** Rows of Part B from this index on are not reached yet at this step: drawn faint. */
  reached: number;
  /** The row that is selected or predicts the selected token. */
  current: number | undefined;
}

export interface Matrix {
  readonly root: HTMLElement;
  show(content: MatrixContent): void;
  /** Outlines the row and the column of a token, where it has them. */
  outline(token: RowSource | undefined): void;
  /** Draws again with the colours of the theme. */
  recolour(): void;
}

/** Below this many pixels a cell has no border. */
const BORDERED = 7;

export interface MatrixEvents {
  select(row: RowSource): void;
  /** The tokens of the cell that is pointed at: none when the pointer has left. */
  point(tokens: RowSource[]): void;
}

export function createMatrix(events: MatrixEvents): Matrix {
  const canvas = element('canvas', { tabindex: '0', role: 'application', 'aria-label': words.matrixLabel });
  const told = element('p', { class: 'cell', role: 'status' });
  const base = document.createElement('canvas');
  let content: MatrixContent | undefined;
  let view: MatrixView = { scale: 1, x: 0, y: 0 };
  let pointed: { row: number; column: number } | undefined;
  let size = 0;
  let ratio = 1;

  const count = () => content?.arrangement.rows.length ?? 0;
  const middle = () => ({ x: size / 2, y: size / 2 });

  function colours() {
    const style = getComputedStyle(canvas);
    const of = (name: string) => style.getPropertyValue(`--lens-${name}`).trim() || style.color;
    return { AA: of('aa'), AB: of('aa'), BA: of('ba'), BB: of('bb'), line: of('line'), mark: of('mark') };
  }

  function drawBase(): void {
    if (!content || size === 0) return;
    base.width = canvas.width;
    base.height = canvas.height;
    const context = base.getContext('2d') as CanvasRenderingContext2D;
    const { arrangement, reached } = content;
    const { rows } = arrangement;
    const palette = colours();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const cells = size / view.scale;
    const [left, right] = [Math.floor(view.x), Math.min(rows.length, Math.ceil(view.x + cells))];
    const gap = view.scale >= BORDERED ? 1 : 0;
    // On whole pixels of the device, or neighbouring cells would show seams.
    const edge = (cell: number) => Math.round(cell * view.scale * ratio) / ratio;
    for (let i = Math.floor(view.y); i < Math.min(rows.length, view.y + cells); i++) {
      const source = rows[i] as RowSource;
      context.globalAlpha = source.part === 'B' && source.index >= reached ? 0.25 : 1;
      const [top, bottom] = [edge(i - view.y), edge(i + 1 - view.y) - gap];
      for (const { part, from, to } of seenStretches(arrangement, i, left, right)) {
        context.fillStyle = palette[`${source.part}${part}`];
        const step = gap === 0 ? to - from : 1;
        for (let j = from; j < to; j += step) {
          const [start, end] = [edge(j - view.x), edge(j + step - view.x) - gap];
          context.fillRect(start, top, end - start, bottom - top);
        }
      }
    }
    context.globalAlpha = 1;
    context.strokeStyle = palette.line;
    for (let i = 1; i < rows.length; i++) {
      if (rows[i]?.part === rows[i - 1]?.part) continue;
      const [x, y] = [(i - view.x) * view.scale, (i - view.y) * view.scale];
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, size);
      context.moveTo(0, y);
      context.lineTo(size, y);
      context.stroke();
    }
  }

  function draw(): void {
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (base.width > 0) context.drawImage(base, 0, 0);
    if (!content) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { mark } = colours();
    const extent = Math.min(size, (count() - Math.min(view.x, view.y)) * view.scale);
    const thick = Math.max(view.scale, 2);
    context.strokeStyle = mark;
    context.lineWidth = 2;
    if (content.current !== undefined)
      context.strokeRect(1, (content.current - view.y) * view.scale, extent - 2, thick);
    if (!pointed) return;
    const [x, y] = [(pointed.column - view.x) * view.scale, (pointed.row - view.y) * view.scale];
    context.lineWidth = 1;
    context.setLineDash([3, 2]);
    context.strokeRect(0.5, y, extent - 1, thick);
    context.strokeRect(x, 0.5, thick, extent - 1);
    context.setLineDash([]);
  }

  function redraw(): void {
    drawBase();
    draw();
  }

  function point(at: { row: number; column: number } | undefined): void {
    const inside = at && at.row >= 0 && at.row < count() && at.column >= 0 && at.column < count();
    pointed = inside ? at : undefined;
    told.textContent = inside ? tell(at) : '';
    const rows = content?.arrangement.rows ?? [];
    events.point(inside ? [rows[at.row] as RowSource, rows[at.column] as RowSource] : []);
    draw();
  }

  function tell({ row, column }: { row: number; column: number }): string {
    const { arrangement, name } = content as MatrixContent;
    const label = (index: number, what: string) => `${what} ${index} (${name(arrangement.rows[index] as RowSource)})`;
    return cellWords(label(row, 'Row'), label(column, 'column'), arrangement.visible(row, column));
  }

  function look(next: MatrixView): void {
    view = next;
    redraw();
  }

  const cellAt = ({ offsetX, offsetY }: MouseEvent) => ({
    row: Math.floor(view.y + offsetY / view.scale),
    column: Math.floor(view.x + offsetX / view.scale),
  });
  let dragged = false;
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons === 1 && (dragged || Math.abs(event.movementX) + Math.abs(event.movementY) > 2)) {
      dragged = true;
      look(panned(view, event.movementX, event.movementY, count(), size));
    } else point(cellAt(event));
  });
  canvas.addEventListener('pointerleave', () => point(undefined));
  canvas.addEventListener('click', (event) => {
    const row = content?.arrangement.rows[cellAt(event).row];
    if (row && !dragged) events.select(row);
    dragged = false;
  });
  canvas.addEventListener(
    'wheel',
    (event) => {
      // Without a modifier the page scrolls, as everywhere.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      look(zoomed(view, -Math.sign(event.deltaY), { x: event.offsetX, y: event.offsetY }, count(), size));
    },
    { passive: false },
  );
  canvas.addEventListener('keydown', (event) => {
    const at = pointed ?? { row: content?.current ?? 0, column: 0 };
    const step = event.shiftKey ? 10 : 1;
    const limit = (value: number) => Math.min(count() - 1, Math.max(0, value));
    const moves: Record<string, { row: number; column: number }> = {
      ArrowRight: { ...at, column: limit(at.column + step) },
      ArrowLeft: { ...at, column: limit(at.column - step) },
      ArrowDown: { ...at, row: limit(at.row + step) },
      ArrowUp: { ...at, row: limit(at.row - step) },
    };
    const to = moves[event.key];
    if (to) {
      look(showing(view, to.row, to.column, count(), size));
      point(to);
    } else if (event.key === '+' || event.key === '=') look(zoomed(view, 1, middle(), count(), size));
    else if (event.key === '-') look(zoomed(view, -1, middle(), count(), size));
    else if (event.key === '0') look(fitted(count(), size));
    else if (event.key === 'Enter') {
      const row = content?.arrangement.rows[at.row];
      if (row) events.select(row);
    } else return;
    event.preventDefault();
  });

  new ResizeObserver(() => {
    size = canvas.clientWidth;
    ratio = window.devicePixelRatio;
    canvas.width = Math.round(size * ratio);
    canvas.height = canvas.width;
    look(fitted(count(), size));
  }).observe(canvas);

  const zoomBy = (steps: number) => () => look(zoomed(view, steps, middle(), count(), size));
  const tools = element(
    'div',
    { class: 'tools' },
    button(words.zoomIn, zoomBy(1), '+'),
    button(words.zoomOut, zoomBy(-1), '−'),
    button(words.fit, () => look(fitted(count(), size))),
    button(words.toSpan, () => {
      const rows = content?.arrangement.rows ?? [];
      const first = rows.findIndex(({ part }) => part === 'B');
      if (first >= 0) look(around(first, rows.findLastIndex(({ part }) => part === 'B') + 1, count(), size));
    }),
  );
  return {
    root: element('div', { class: 'matrix' }, tools, canvas, told),
    show(next) {
      const refit = next.arrangement.rows.length !== count();
      content = next;
      if (refit) view = fitted(count(), size);
      if (refit) point(undefined);
      redraw();
    },
    outline(token) {
      const rows = content?.arrangement.rows ?? [];
      const index = token ? rows.findIndex((row) => row.part === token.part && row.index === token.index) : -1;
      pointed = index < 0 ? undefined : { row: index, column: index };
      draw();
    },
    recolour: redraw,
  };
}
