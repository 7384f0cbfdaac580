import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Shades, brandOf } from '../ui/brand';
import { colourOf, contrastOf, shadesOf } from '../look/shades';

const written = readFileSync(join(import.meta.dirname, '../../../brand/testdata/shades.json'), 'utf8');
const known = JSON.parse(written) as { chosen: string; light: Shades; dark: Shades }[];

test('the preview counts as the server does', () => {
  expect(known.length).toBe(216);
  for (const { chosen, light, dark } of known) expect(shadesOf(chosen), chosen).toEqual({ light, dark });
});

test('a colour is six digits after its sign', () => {
  expect(colourOf(' #0A6570 ')).toBe('#0a6570');
  for (const typed of ['', '#fff', '0a6570', '#0a657g', '#0a65700', 'red'])
    expect(colourOf(typed)).toBe(undefined);
  expect(contrastOf('#000000', '#ffffff')).toBe(21);
});

test('what is no brand is Freshet’s own', () => {
  const none = { name: '', light: undefined, dark: undefined, logo: undefined, background: undefined };
  for (const value of [undefined, null, 7, {}, { light: { colour: 'red' } }, { logo: { url: '//evil' } }])
    expect(brandOf(value)).toEqual(none);
  const { light } = shadesOf('#0a6570');
  expect(brandOf({ light })).toEqual(none); // one theme alone would leave the other unreadable
  const url = `/api/v1/public/images/${'0'.repeat(64)}`;
  const logo = { url, width: 3, height: 2 };
  expect(
    brandOf({ name: 'Delta', light, dark: light, logo, background: { ...logo, url: `${url}");x` } }),
  ).toEqual({
    name: 'Delta',
    light,
    dark: light,
    logo,
    background: undefined,
  });
});
