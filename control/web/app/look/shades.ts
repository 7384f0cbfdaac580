/**
 * What becomes of a colour on pages: the server's own reckoning (control/brand/colour.go), for a preview while one
 * chooses. A test holds both to the same results.
 */
import { type Shades } from '../ui/brand';

type Colour = readonly [number, number, number];

interface Theme {
  grounds: readonly Colour[];
  surface: Colour;
  text: Colour;
  on: Colour;
  toward: Colour;
}

const light: Theme = {
  grounds: ['#f4f8f7', '#ffffff', '#e9f0ef'].map(parse),
  surface: parse('#ffffff'),
  text: parse('#0e1f22'),
  on: parse('#ffffff'),
  toward: parse('#000000'),
};
const dark: Theme = {
  grounds: ['#0a1416', '#101d20', '#17282c', '#060e10'].map(parse),
  surface: parse('#101d20'),
  text: parse('#e9f2f1'),
  on: parse('#060e10'),
  toward: parse('#ffffff'),
};

/** The colour as it is kept, or undefined where it is none. */
export function colourOf(typed: string): string | undefined {
  const colour = typed.trim().toLowerCase();
  return /^#[0-9a-f]{6}$/.test(colour) ? colour : undefined;
}

/** What becomes of a colour in each theme. */
export function shadesOf(colour: string): { light: Shades; dark: Shades } {
  return { light: shades(light, colour), dark: shades(dark, colour) };
}

/** Contrast of two colours, as WCAG counts it: 1 to 21. */
export function contrastOf(a: string, b: string): number {
  return contrast(parse(a), parse(b));
}

function shades(theme: Theme, colour: string): Shades {
  const chosen = parse(colour);
  for (let share = 0; ; share++) {
    const c = mix(chosen, theme.toward, share);
    const strong = mix(c, theme.toward, 20);
    const soft = mix(theme.surface, c, 15);
    if (share === 100 || readable(theme, c, strong, soft))
      return { colour: write(c), strong: write(strong), soft: write(soft), onColour: write(theme.on) };
  }
}

function readable(theme: Theme, c: Colour, strong: Colour, soft: Colour): boolean {
  const pairs: [Colour, Colour][] = [
    ...theme.grounds.map((ground): [Colour, Colour] => [c, ground]),
    [c, soft],
    [strong, soft],
    [theme.text, soft],
    [theme.on, c],
    [theme.on, strong],
  ];
  return pairs.every(([text, ground]) => contrast(text, ground) >= 4.5);
}

function parse(hex: string): Colour {
  const n = parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

function write(colour: Colour): string {
  return `#${colour.map(part => part.toString(16).padStart(2, '0')).join('')}`;
}

function mix(a: Colour, b: Colour, share: number): Colour {
  const one = (i: 0 | 1 | 2) => Math.floor((a[i] * (100 - share) + b[i] * share + 50) / 100);
  return [one(0), one(1), one(2)];
}

function contrast(a: Colour, b: Colour): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function luminance(colour: Colour): number {
  const [r, g, b] = colour.map(part => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
