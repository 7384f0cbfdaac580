import { expect, test } from 'vitest';
import { Problem } from '@freshet/player/problem';
import { translator } from '@freshet/player/message';
import en from '../i18n/en.json';
import fr from '../i18n/fr.json';
import accountEn from '../i18n/account/en.json';
import accountFr from '../i18n/account/fr.json';
import guestEn from '../i18n/guest/en.json';
import guestFr from '../i18n/guest/fr.json';
import joinEn from '../i18n/join/en.json';
import joinFr from '../i18n/join/fr.json';
import checkEn from '../i18n/check/en.json';
import checkFr from '../i18n/check/fr.json';
import visitEn from '../i18n/visit/en.json';
import visitFr from '../i18n/visit/fr.json';
import { clock } from '../live/air';
import { encodingsFor, preferencesFor } from '../live/codecs';
import { levelOf } from '../live/meter';
import { describe } from '../live/problems';
import { sentOf } from '../live/sender';
import { slugOf, streamOf } from '../ui/api';

const catalogues = [
  ['pages', en, fr],
  ['account', accountEn, accountFr],
  ['join', joinEn, joinFr],
  ['check', checkEn, checkFr],
  ['guest', guestEn, guestFr],
  ['visit', visitEn, visitFr],
] as const;

test.each(catalogues)(
  'both catalogues of %s have the same keys and take the same values',
  (_, english, french) => {
    expect(Object.keys(french).sort()).toEqual(Object.keys(english).sort());
    const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map(m => m[1]))].sort();
    const other = new Map(Object.entries(french));
    for (const [key, text] of Object.entries(english))
      expect(names(other.get(key) ?? ''), key).toEqual(names(text));
  },
);

test.each(catalogues)('every text of %s formats in both languages', (_, english, french) => {
  for (const [language, catalogue] of [
    ['en', english],
    ['fr', french],
  ] as const) {
    const t = translator<string>(catalogue, language);
    for (const [key, text] of Object.entries(catalogue)) {
      const names = new Map<string, string>();
      for (const [, name = ''] of text.matchAll(/\{(\w+)[,}]/g)) names.set(name, 'x');
      for (const n of [0, 1, 12]) {
        expect(t(key, { ...Object.fromEntries(names), n }), key).not.toMatch(/[{}#]|undefined/);
      }
    }
  }
});

test.each(catalogues)(
  '%s: French has its no-break spaces and the catalogues shout nowhere',
  (_, english, french) => {
    for (const text of Object.values(french)) expect(text).not.toMatch(/ [?:;!]/);
    for (const text of [...Object.values(english), ...Object.values(french)])
      expect(text).not.toMatch(/!|oops|please/i);
  },
);

test('streams are read with care', () => {
  expect(streamOf({ id: 'a', live: true, viewers: 3, origin: { whip: 'https://o/whip' } })).toEqual({
    id: 'a',
    live: true,
    viewers: 3,
    whip: 'https://o/whip',
  });
  for (const bad of [null, 7, [], { id: 5, viewers: '3', origin: null }]) {
    expect(streamOf(bad)).toEqual({ id: '', live: false, viewers: 0, whip: '' });
  }
});

test.each([
  ['/e/my-event', 'my-event'],
  ['/live/s/', 's'],
  ['/e/caf%C3%A9', 'café'],
  ['/e/%', ''],
  ['/', ''],
])('the slug of %s is %j', (path, slug) => {
  expect(slugOf(path)).toBe(slug);
});

test('of H.264, constrained baseline in packetization mode 1 comes first, retransmissions last', () => {
  const known = [
    { mimeType: 'video/VP8' },
    { mimeType: 'video/rtx' },
    { mimeType: 'video/H264', sdpFmtpLine: 'packetization-mode=0;profile-level-id=42e01f' },
    { mimeType: 'video/H264', sdpFmtpLine: 'packetization-mode=1;profile-level-id=42001f' },
    { mimeType: 'video/H264', sdpFmtpLine: 'packetization-mode=1;profile-level-id=42e01f' },
  ];
  expect(preferencesFor('H264', known)).toEqual([known[4], known[3], known[2], known[1]]);
  expect(preferencesFor('VP8', known)).toEqual([known[0], known[1]]);
});

test('three layers halve twice, and VP9 sends each alone', () => {
  expect(encodingsFor('VP8', true).map(e => [e.rid, e.scaleResolutionDownBy])).toEqual([
    ['l', 4],
    ['m', 2],
    ['h', 1],
  ]);
  const vp9 = encodingsFor('VP9', true) as { scalabilityMode?: string }[];
  expect(vp9.every(e => e.scalabilityMode === 'L1T1')).toBe(true);
  expect(encodingsFor('AV1', false)).toHaveLength(1);
});

test('loudness is in dBFS between floor and full', () => {
  expect(levelOf(new Float32Array(64))).toBe(-60);
  expect(levelOf(new Float32Array(64).fill(1))).toBeCloseTo(0, 5);
  expect(levelOf(new Float32Array(64).fill(0.1))).toBeCloseTo(-20, 3);
});

test('time on the air', () => {
  expect([0, 61_000, 3_723_000, -5].map(clock)).toEqual(['00:00:00', '00:01:01', '01:02:03', '00:00:00']);
});

test('problems on the way onto the air say what to do', () => {
  const t = translator(en, 'en');
  expect(describe(new Problem('key-wrong', 401, 'X'), t)).toBe(en['problem.key']);
  expect(describe(new Problem('publishers', 409, 'X'), t)).toBe(en['problem.taken']);
  expect(describe(new Problem('backup-formats', 409, 'X'), t)).toBe(en['problem.backup']);
  expect(describe(new Problem('NotAllowedError', 0, 'X'), t)).toBe(en['problem.permission']);
  expect(describe(new Problem('odd', 418, 'Teapot'), t)).toBe('Teapot');
});

test('what is sent is told a layer a row, tallest first', () => {
  const stat = (id: string, rid: string, height: number) => ({
    id,
    type: 'outbound-rtp',
    kind: 'video',
    timestamp: 1000,
    rid,
    frameWidth: height * 2,
    frameHeight: height,
    framesPerSecond: 30,
  });
  const sent = sentOf(
    new Map([
      ['a', stat('a', 'l', 180)],
      ['b', stat('b', 'h', 720)],
    ]),
    undefined,
  );
  expect(sent.layers.map(l => [l.rid, l.height])).toEqual([
    ['h', 720],
    ['l', 180],
  ]);
  expect(sent.loss).toBeUndefined();
});
