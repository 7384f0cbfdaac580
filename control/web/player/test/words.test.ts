import { expect, test } from 'vitest';
import en from '../i18n/en.json';
import fr from '../i18n/fr.json';
import { Units, describeProblem, rowsOf } from '../src/describe';
import { actOf, repeats } from '../src/keys';
import { languageOf, translator } from '../src/message';
import { Problem } from '../src/problem';
import { textsOf } from '../src/texts';

test('both catalogues have the same keys, none empty', () => {
  expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
  for (const text of [...Object.values(en), ...Object.values(fr)]) expect(text.trim()).not.toBe('');
});

test('both catalogues take the same values', () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)/g)].map(m => m[1]).sort();
  for (const [key, text] of Object.entries(en))
    expect(names(fr[key as keyof typeof fr]), key).toEqual(names(text));
});

test.each([
  ['unauthorized by status', new Problem('x', 401, 'X'), en['problem.unauthorized']],
  ['kind before status', new Problem('codec-unsupported', 406, 'X'), en['problem.codec-unsupported']],
  ['no media', new Problem('media', 0, 'No way to the edge'), en['problem.unreachable']],
  ['full', new Problem('unavailable', 503, 'Full'), en['problem.busy']],
  ['a session that is none', new Problem('answer', 201, 'X'), en['problem.busy']],
  ['unreachable', new Problem('unreachable', 0, 'X'), en['problem.unreachable']],
  ['unknown: the title of the server', new Problem('made-up', 418, 'Teapot'), 'Teapot'],
])('%s', (_, problem, text) => {
  expect(describeProblem(problem, textsOf('en'))).toBe(text);
});

test('plurals, numbers and nested values follow the language', () => {
  const catalogue = {
    n: '{n, plural, =0 {nobody} one {# person, {who}} other {# people, {who}}}',
    plain: 'a {x} b',
  };
  const english = translator(catalogue, 'en');
  expect([0, 1, 10_000].map(n => english('n', { n, who: 'you' }))).toEqual([
    'nobody',
    '1 person, you',
    '10,000 people, you',
  ]);
  expect(english('plain', { x: '{y}' })).toBe('a {y} b');
  expect(english('plain')).toBe('a  b');
  expect(translator({ n: '{n, plural, one {# a} other {# b}}' }, 'fr')('n', { n: 0 })).toBe('0 a');
});

test('the language is the first that there is a catalogue for', () => {
  expect(languageOf([null, 'de-CH', 'fr-CA', 'en'])).toBe('fr');
  expect(languageOf(['xx', ''])).toBe('en');
});

test('units never change, and French writes them its own way', () => {
  const english = new Units('en');
  expect([640_000, 4_200_000].map(n => english.bitrate(n))).toEqual(['640\u00a0kbit/s', '4.2\u00a0Mbit/s']);
  expect([240, 1400].map(n => english.time(n))).toEqual(['240\u00a0ms', '1.4\u00a0s']);
  expect(new Units('fr').bitrate(4_200_000)).toBe('4,2\u00a0Mbit/s');
});

test('details have the same rows with and without figures', () => {
  const circumstances = { edge: '', layer: '', session: '', firstPictureMS: undefined };
  const t = textsOf('en');
  const units = new Units('en');
  const empty = rowsOf(undefined, circumstances, t, units);
  const full = rowsOf(
    { video: { codec: 'AV1', width: 1280, height: 720 }, audio: { codec: 'Opus', channels: 2 }, loss: 0 },
    { edge: 'edge-1', layer: 'h', session: 's', firstPictureMS: 181 },
    t,
    units,
  );
  expect(full.map(([name]) => name)).toEqual(empty.map(([name]) => name));
  expect(new Map(full).get('Picture size')).toBe('1280 × 720');
  expect(new Map(full).get('Sound')).toBe('Opus stereo');
});

test.each([
  [' ', true, 'play'],
  ['k', true, 'play'],
  ['K', true, 'play'],
  ['m', true, 'mute'],
  ['f', true, 'full'],
  ['ArrowUp', true, 'louder'],
  ['?', true, 'list'],
  ['x', true, undefined],
  ['k', false, undefined],
  [' ', false, 'play'],
  ['ArrowDown', false, 'quieter'],
])('key %j with letters %s: %s', (key, letters, act) => {
  expect(actOf(key, letters)).toBe(act);
});

test('a key that is held down changes the volume and nothing else', () => {
  const held = [' ', 'k', 'm', 'f', 'p', 'd', '?', 'ArrowUp', 'ArrowDown'].filter(key => {
    const act = actOf(key, true);
    return act !== undefined && repeats(act);
  });
  expect(held).toEqual(['ArrowUp', 'ArrowDown']);
});
