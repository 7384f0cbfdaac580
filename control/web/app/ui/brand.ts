/** How a customer's pages look: its colour, logo and background in place of Freshet's, and nothing else of the page. */
import { el } from '@freshet/player/dom';
import './brand.css';

/** A colour as pages of one theme use it, made readable by the server. */
export interface Shades {
  colour: string;
  strong: string;
  soft: string;
  onColour: string;
}

export interface BrandImage {
  url: string;
  width: number;
  height: number;
}

export interface Brand {
  /** Of the account. */
  name: string;
  /** Undefined: Freshet's own colours. */
  light: Shades | undefined;
  dark: Shades | undefined;
  logo: BrandImage | undefined;
  background: BrandImage | undefined;
}

/** Reads the brand of a public event with care: what is not as it should be is not there. */
export function brandOf(value: unknown): Brand {
  const brand = record(value);
  const [light, dark] = [shadesOf(brand['light']), shadesOf(brand['dark'])];
  return {
    name: typeof brand['name'] === 'string' ? brand['name'] : '',
    light: dark && light,
    dark: light && dark,
    logo: imageOf(brand['logo']),
    background: imageOf(brand['background']),
  };
}

function shadesOf(value: unknown): Shades | undefined {
  const shades = record(value);
  const [colour, strong, soft, onColour] = ['colour', 'strong', 'soft', 'onColour'].map(name => {
    const written = shades[name];
    return typeof written === 'string' && /^#[0-9a-f]{6}$/.test(written) ? written : undefined;
  });
  return colour !== undefined && strong !== undefined && soft !== undefined && onColour !== undefined
    ? { colour, strong, soft, onColour }
    : undefined;
}

function imageOf(value: unknown): BrandImage | undefined {
  const { url, width, height } = record(value);
  return typeof url === 'string' &&
    /^\/api\/v1\/public\/images\/[0-9a-f]{64}$/.test(url) &&
    typeof width === 'number' &&
    typeof height === 'number'
    ? { url, width, height }
    : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

/** The tokens that a brand sets on an element; by CSSOM, since the policy allows no style in HTML. */
export const tokens = {
  '--f-melt': 'colour',
  '--f-melt-strong': 'strong',
  '--f-melt-soft': 'soft',
  '--f-on-melt': 'onColour',
} as const satisfies Record<string, keyof Shades>;

/** What stands in a top bar without a logo. A page that takes the place of another brings its own. */
const homes = new WeakMap<Element, Node[]>();

/** Has the page look like brand, from now on. Called again it changes what has changed. */
export function wear(brand: Brand): void {
  const root = document.documentElement;
  for (const [token, name] of Object.entries(tokens)) {
    if (brand.light && brand.dark)
      root.style.setProperty(token, `light-dark(${brand.light[name]}, ${brand.dark[name]})`);
    else root.style.removeProperty(token);
  }
  root.classList.toggle('backed', brand.background !== undefined);
  if (brand.background) root.style.setProperty('--brand-background', `url("${brand.background.url}")`);
  else root.style.removeProperty('--brand-background');
  hang(brand);
}

function hang({ logo, name }: Brand): void {
  const link = document.querySelector('.top > .home');
  if (!link) return;
  const hung = link.querySelector('img');
  if (logo?.url === hung?.getAttribute('src') && logo) return;
  document.documentElement.classList.toggle('signed', logo !== undefined);
  const home = homes.get(link) ?? [...link.childNodes];
  homes.set(link, home);
  const { url, width, height } = logo ?? {};
  link.replaceChildren(...(logo ? [el('img', { class: 'logo', src: url, width, height, alt: name })] : home));
}
