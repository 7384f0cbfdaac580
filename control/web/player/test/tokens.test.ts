import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const css = readFileSync(join(import.meta.dirname, '../tokens.css'), 'utf8');

/** Every colour token as [light, dark]. */
const tokens = new Map<string, [string, string]>();
for (const [, name = '', light = '', dark = ''] of css.matchAll(
  /--f-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g,
)) {
  tokens.set(name, [light, dark]);
}
for (const [, name = '', both = ''] of css.matchAll(/--f-([\w-]+): (#\w{6});/g))
  tokens.set(name, [both, both]);

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const grounds = ['canvas', 'surface', 'raised', 'sunken'];

/** Text, its grounds, and the least ratio that WCAG asks for. */
const pairs: [string, string[], number][] = [
  ...['text', 'muted', 'subtle', 'melt', 'live', 'ok', 'warn', 'bad', 'info', 'note'].map(
    (name): [string, string[], number] => [name, grounds, 4.5],
  ),
  ...['ok', 'warn', 'bad', 'info', 'note', 'melt'].map((name): [string, string[], number] => [
    name,
    [`${name}-soft`],
    4.5,
  ]),
  ['text', ['bad-soft', 'warn-soft', 'ok-soft'], 4.5],
  ['on-melt', ['melt', 'melt-strong'], 4.5],
  ['on-live', ['live-fill'], 4.5],
  ['stage-text', ['scrim'], 4.5],
  ['control', grounds, 3],
  ['focus', grounds, 3],
  ...[1, 2, 3, 4, 5, 6].map((n): [string, string[], number] => [`series-${n}`, ['surface'], 3]),
  ...['excellent', 'good', 'fair', 'poor'].map((q): [string, string[], number] => [
    `quality-${q}`,
    ['land'],
    3,
  ]),
];

test.each(pairs)('%s can be read on %j at %f:1, in both themes', (name, on, least) => {
  for (const theme of [0, 1] as const) {
    for (const ground of on) {
      const [a, b] = [tokens.get(name)?.[theme], tokens.get(ground)?.[theme]];
      if (a === undefined || b === undefined) throw new Error(`no token ${name} or ${ground}`);
      expect(
        contrast(a, b),
        `${name} on ${ground}, ${theme === 0 ? 'light' : 'dark'}`,
      ).toBeGreaterThanOrEqual(least);
    }
  }
});

const web = join(import.meta.dirname, '../..');
const sheets = ['player/src', 'app'].flatMap(folder =>
  readdirSync(join(web, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.css') && !file.includes('node_modules'))
    .map(file => join(folder, file)),
);

test.each(sheets)('%s writes no colour of its own and uses known tokens', file => {
  const sheet = readFileSync(join(web, file), 'utf8');
  expect(sheet).not.toMatch(/#[0-9a-f]{3,8}\b(?![^{]*\{)|rgb\(|hsl\(/i);
  for (const [, name = ''] of sheet.matchAll(/var\(--f-([\w-]+)/g)) expect(css).toContain(`--f-${name}:`);
});
