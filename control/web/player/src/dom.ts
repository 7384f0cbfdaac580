/** Builds elements without markup in strings, so that text from outside can never become markup. */

type Attributes = Record<string, string | number | boolean | undefined>;
type Child = Node | string | null | undefined;

/** Makes an HTML element. true sets an empty attribute; false and undefined leave it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  set(element, attributes);
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

/** Makes an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgNamespace, tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** Calls on with every press of element; returns element, so that it can stand in a list of children. */
export function onPress<E extends HTMLElement>(element: E, on: () => void): E {
  element.addEventListener('click', on);
  return element;
}

/** Sets text only where it changed: an equal text would still be announced and selected text lost. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
