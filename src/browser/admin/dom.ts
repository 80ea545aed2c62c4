/** The content of an element. Text becomes a text node, never markup. */
export type Child = Node | string | undefined;

/** Attributes, and listeners as functions. */
export type Attributes = Readonly<Record<string, string | true | undefined | ((event: Event) => void)>>;

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an element. Foreign texts go in as text nodes and attributes. An `href` that is neither of this page nor of
 * `https:` is left out.
 */
export function h(name: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  return fill(document.createElement(name), attributes, children);
}

/** Makes an SVG element. */
export function svg(name: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Foreign text. Its writing direction does not affect the text beside it. */
export function outside(text: string): HTMLElement {
  return h('bdi', {}, text);
}

/** A long name, shortened to both ends; its title holds all of it. */
export function shortened(text: string): HTMLElement {
  return text.length <= 18 ? outside(text) : h('bdi', { title: text }, `${text.slice(0, 8)}…${text.slice(-6)}`);
}

function fill<E extends HTMLElement | SVGElement>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (key !== 'href' || value === true || /^(?:#|https:\/\/)/.test(value)) {
      element.setAttribute(key, value === true ? '' : value);
    }
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}
