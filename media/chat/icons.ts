/** Line icons of 16 by 16, drawn in the colour of the text; beside or inside something that has a name. */
const PATHS = {
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  insert: 'M2.5 3.5h11M2.5 12.5h11M8 5.5v4.5M5.8 8 8 10.2 10.2 8',
  apply: 'M8 2.5v6M5 5.5h6M5 13h6',
  fill: 'M2 5.5h3M11 5.5h3M2 10.5h6M6.5 3.5h3v4h-3zM9.5 8.5h3v4h-3z',
  send: 'M8 13V3.5M3.8 7.7 8 3.5l4.2 4.2',
  stop: 'M4.5 4.5h7v7h-7z',
  retry: 'M12.8 8a4.8 4.8 0 1 1-1.6-3.6M11.5 1.8v2.9H8.6',
  edit: 'M3 13l.7-2.8 7-7 2.1 2.1-7 7zM9.5 4.4l2.1 2.1',
  previous: 'M9.8 3.5 5.3 8l4.5 4.5',
  next: 'M6.2 3.5 10.7 8l-4.5 4.5',
  down: 'M4 6.2 8 10.2l4-4',
  close: 'M4 4l8 8M12 4l-8 8',
  attach: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zm2.8 2.8c0 3 3 2.6 3-.2A5.8 5.8 0 1 0 10.6 13',
} as const;
export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = { viewBox: '0 0 16 16', width: '16', height: '16', 'aria-hidden': 'true', class: `icon ${name}` };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
