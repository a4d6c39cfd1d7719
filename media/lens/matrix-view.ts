/** The part of the visibility matrix that is in view: pixels per cell and the cell at the corner. Pure numbers. */
export interface MatrixView {
  /** CSS pixels per cell. */
  scale: number;
  /** Cells (fractions too) left of and above the view. */
  x: number;
  y: number;
}

export const LARGEST_SCALE = 28;
const ZOOM_STEP = 1.5;

/** The whole matrix of `count` rows in a square of `size` pixels. */
export function fitted(count: number, size: number): MatrixView {
  return { scale: Math.min(LARGEST_SCALE, size / Math.max(1, count)), x: 0, y: 0 };
}

/** Zooms by steps (negative: out) about a point of the view, never farther out than the whole. */
export function zoomed(
  view: MatrixView,
  steps: number,
  at: { x: number; y: number },
  count: number,
  size: number,
): MatrixView {
  const least = fitted(count, size).scale;
  const scale = Math.max(least, Math.min(LARGEST_SCALE, view.scale * ZOOM_STEP ** steps));
  const x = view.x + at.x / view.scale - at.x / scale;
  const y = view.y + at.y / view.scale - at.y / scale;
  return within({ scale, x, y }, count, size);
}

export function panned(view: MatrixView, dx: number, dy: number, count: number, size: number): MatrixView {
  return within({ ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale }, count, size);
}

/** The rows [from, to) in the middle of the view, with as many again around them, or some dozen at least. */
export function around(from: number, to: number, count: number, size: number): MatrixView {
  const cells = Math.min(Math.max(1, count), Math.max(24, 2 * (to - from)));
  const start = (from + to - cells) / 2;
  return within({ scale: Math.min(LARGEST_SCALE, size / cells), x: start, y: start }, count, size);
}

/** Moves the view as little as needed to show a cell. */
export function showing(view: MatrixView, row: number, column: number, count: number, size: number): MatrixView {
  const cells = size / view.scale;
  const into = (start: number, cell: number) => Math.min(Math.max(start, cell + 1 - cells), cell);
  return within({ ...view, x: into(view.x, column), y: into(view.y, row) }, count, size);
}

function within(view: MatrixView, count: number, size: number): MatrixView {
  const most = Math.max(0, count - size / view.scale);
  const clamp = (value: number) => Math.min(most, Math.max(0, value));
  return { ...view, x: clamp(view.x), y: clamp(view.y) };
}
