/**
 * The few SVG elements that plots are made of, as text. Output depends on the arguments alone; text and attributes are
 * escaped; colours are classes that follow the reader's light or dark scheme.
 */

export type Attributes = Readonly<Record<string, string | number>>;

/** `children` are elements already; use `label` for text. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(shown(value))}"`);
  const opening = `<${name}${written.join('')}`;
  return children.length === 0 ? `${opening}/>` : `${opening}>${children.join('')}</${name}>`;
}

export function label(text: string, x: number, y: number, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, [escaped(text)]);
}

export function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return element('line', { x1, y1, x2, y2, class: className });
}

/** `points` as pairs, joined by straight lines. */
export function pathData(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${shown(x)} ${shown(y)}`).join('');
}

/** A whole file; `description` is what a screen reader says. */
export function drawing(
  width: number,
  height: number,
  title: string,
  description: string,
  children: readonly string[],
): string {
  const root = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${shown(width)} ${shown(height)}`,
      width,
      height,
      role: 'img',
    },
    [
      element('title', {}, [escaped(title)]),
      element('desc', {}, [escaped(description)]),
      element('style', {}, [STYLE]),
      element('rect', { width, height, class: 'page' }),
      label(title, 16, 24, { class: 'title' }),
      ...children.map((child) => `\n${child}`),
      '\n',
    ],
  );
  return `${root}\n`;
}

/** How many series have a colour of their own. */
export const SERIES_COLOURS = 6;

/** Colours of Okabe and Ito, told apart by colour-blind readers too; on a dark page their lighter relatives. */
const LIGHT = ['#0067a6', '#c44e00', '#007a5a', '#a3437f', '#8a6d00', '#444444'];
const DARK = ['#56b4e9', '#f0894a', '#2fc79d', '#e292c3', '#e6c84f', '#c8c8c8'];

const colours = (list: readonly string[]) =>
  list.map((colour, index) => `.s${index}{stroke:${colour}}.f${index}{fill:${colour}}`).join('');

const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:15px;font-weight:600}.head{font-weight:600}.quiet{fill:#57606a}',
  '.page{fill:#ffffff}.axis{stroke:#57606a}.grid{stroke:#d8dee4}.guide{stroke:#57606a;stroke-dasharray:4 4}',
  '.interval{stroke:#24292f;stroke-width:1.5}.curve{fill:none;stroke-width:1.5}.band{opacity:.2}.other{opacity:.6}',
  colours(LIGHT),
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9ba6b2}.page{fill:#0d1117}.axis{stroke:#9ba6b2}',
  '.grid{stroke:#30363d}.guide{stroke:#9ba6b2}.interval{stroke:#e6edf3}',
  colours(DARK),
  '}',
].join('');

function shown(value: string | number): string {
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) throw new RangeError(`A plot was given ${value} as a place.`);
  // Two digits are finer than a pixel; adding 0 makes -0 a 0.
  return String(Math.round(value * 100) / 100 + 0);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** XML 1.0 allows no control characters but tab and line breaks, nor halves of surrogate pairs. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
