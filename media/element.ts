/** The one way in which the page makes elements: text becomes text nodes, so nothing that is shown can become markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function button(label: string, onClick: () => void, text = label): HTMLButtonElement {
  const made = element('button', { type: 'button', 'aria-label': label, title: label }, text);
  made.addEventListener('click', onClick);
  return made;
}

/** A section with its heading, named by it. */
export function section(id: string, heading: string, ...children: (Node | string)[]): HTMLElement {
  return element('section', { 'aria-labelledby': id }, element('h2', { id }, heading), ...children);
}

/**
 * A bar that fills `share` (0 to 1) of its place, the last `apart` of it in another pattern; what it shows is also said in
 * words beside it.
 */
export function bar(share: number, apart = 0): HTMLElement {
  const within = (value: number) => Math.max(0, Math.min(1, value));
  const part = (width: number, name: string) => {
    const made = element('span', { class: name });
    made.style.width = `${within(width) * 100}%`;
    return made;
  };
  const parts = [part(share - apart, 'filled'), ...(apart > 0 ? [part(apart, 'filled apart')] : [])];
  return element('span', { class: 'bar', 'aria-hidden': 'true' }, ...parts);
}
