import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { dateOf, languageList } from '../event/dates';
import { eventOf, skewOf } from '../event/public';
import { againMS, distanceOf, nextAskMS, streamOfAddress } from '../event/waiting';
import { entryOf } from '../event/enter';
import { dropStay, keepStay, stayOf, typedBefore } from '../event/stay';
import { inThrees, readNumber } from '../join/number';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('when an event is asked for again', () => {
  const starts = 1_800_000_000_000;
  const wait = (
    state: 'scheduled' | 'preparation' | 'live' | 'ended' | 'cancelled',
    left: number,
    more = {},
  ) =>
    nextAskMS({
      event: { startsAt: starts, state },
      now: starts - left,
      hidden: false,
      failures: 0,
      chance: 0.5,
      ...more,
    });

  it.each(['scheduled', 'preparation'] as const)('%s: often from a minute before the start on', state => {
    expect(wait(state, day)).toBe(15 * second);
    expect(wait(state, 61 * second)).toBe(15 * second);
    expect(wait(state, minute)).toBe(2 * second);
    expect(wait(state, 0)).toBe(2 * second);
    expect(wait(state, -hour)).toBe(2 * second);
  });

  it('spreads the questions of many, and still opens within seconds', () => {
    expect(wait('scheduled', 0, { chance: 0 })).toBeCloseTo(1600);
    expect(wait('scheduled', 0, { chance: 1 })).toBeCloseTo(2400);
  });

  it('asks less often on a hidden page, and when nobody answers', () => {
    expect(wait('scheduled', 0, { hidden: true })).toBe(10 * second);
    expect(wait('scheduled', 0, { failures: 2 })).toBe(8 * second);
    expect(wait('scheduled', 0, { failures: 50 })).toBe(15 * second);
  });

  it('asks seldom for what has ended, which may go live again, and never for what was cancelled', () => {
    expect(wait('ended', -hour)).toBe(15 * second);
    expect(wait('live', -hour)).toBe(15 * second);
    expect(wait('cancelled', hour)).toBeUndefined();
  });

  it('joins a live event again soon, then more slowly', () => {
    expect(againMS(0, 1)).toBe(500);
    expect(againMS(2, 1)).toBe(2000);
    expect(againMS(40, 0)).toBe(9000);
  });
});

test.each([
  [2 * day + 3 * hour + 5, { is: 'days', days: 2, hours: 3 }],
  [day, { is: 'days', days: 1, hours: 0 }],
  [day - 1, { is: 'hours', hours: 23, minutes: 59 }],
  [hour, { is: 'hours', hours: 1, minutes: 0 }],
  [hour - second, { is: 'minutes', clock: '59:59' }],
  [61 * second, { is: 'minutes', clock: '1:01' }],
  [1, { is: 'minutes', clock: '0:01' }],
  [0, { is: 'due' }],
  [-2 * minute + 1, { is: 'due' }],
  [-2 * minute, { is: 'late', minutes: 2 }],
  [-61 * minute, { is: 'late', minutes: 61 }],
])('a start that is %d ms away', (ms, distance) => {
  expect(distanceOf(ms)).toEqual(distance);
});

test('dates are written in their zone', () => {
  const at = Date.parse('2026-11-27T23:30:00Z');
  // Whether a comma follows the weekday differs from one version of the data to the next.
  const write = (endsAt: number | undefined, zone: string, locale: string) =>
    dateOf(at, endsAt, zone, locale, (from, to) => `${from} to ${to}`).replaceAll('day, ', 'day ');
  expect(write(at + hour, 'Asia/Tokyo', 'en-GB')).toBe('Saturday 28 November 2026, 08:30 to 09:30');
  expect(write(at + hour, 'UTC', 'en-GB')).toBe(
    'Friday 27 November 2026, 23:30 to Saturday 28 November 2026, 00:30',
  );
  expect(write(undefined, 'Europe/Paris', 'fr-FR')).toBe('samedi 28 novembre 2026, 00:30');
});

test('languages have names, and what is none stays as it is', () => {
  expect(languageList(['en', 'fr-CA', '?'], 'en-GB')).toBe('English, Canadian French, ?');
});

test('events are read with care', () => {
  const event = eventOf({
    slug: 'a',
    title: 'A',
    state: 'live',
    startsAt: '2026-11-27T23:30:00Z',
    timeZone: 'Nowhere/Else',
    agenda: [{ at: 5, title: 'One' }, null],
    languages: ['en'],
  });
  expect(event).toMatchObject({ slug: 'a', state: 'live', timeZone: 'UTC', languages: ['en'] });
  expect(event.agenda).toEqual([
    { at: 5, title: 'One', text: '' },
    { at: 0, title: '', text: '' },
  ]);
  for (const bad of [null, 7, [], { state: 'odd', startsAt: 5, agenda: {} }]) {
    expect(eventOf(bad)).toMatchObject({ state: undefined, startsAt: 0, endsAt: undefined, agenda: [] });
  }
});

test('a clock that is off by less than the header tells is right', () => {
  const now = Date.parse('Fri, 27 Nov 2026 12:00:00 GMT');
  expect(skewOf('Fri, 27 Nov 2026 12:00:01 GMT', now)).toBe(0);
  expect(skewOf('Fri, 27 Nov 2026 12:05:00 GMT', now)).toBe(300_000);
  expect(skewOf(null, now)).toBe(0);
  expect(skewOf('soon', now)).toBe(0);
});

test('the stream of an address', () => {
  expect(streamOfAddress('https://e/whep/main-1')).toBe('main-1');
  expect(streamOfAddress('')).toBe('');
});

describe('the number of an event', () => {
  it.each([
    '123456789',
    '123 456 789',
    ' 123-456-789 ',
    '123\u00a0456\u202f789',
    '１２３４５６７８９',
    '123.456.789',
  ])('%j is read', typed => {
    expect(readNumber(typed)).toEqual({ is: 'number', number: '123456789' });
  });

  it('says what is missing', () => {
    expect(readNumber('')).toEqual({ is: 'digits', n: 0 });
    expect(readNumber('123 45')).toEqual({ is: 'digits', n: 5 });
    expect(readNumber('1234567890')).toEqual({ is: 'digits', n: 10 });
    expect(readNumber('12a')).toEqual({ is: 'letters' });
  });

  it('is written in threes', () => {
    expect(['1', '123', '1234', '123456789', '123-456-789', '12a', '1234567890'].map(inThrees)).toEqual([
      '1',
      '123',
      '123 4',
      '123 456 789',
      '123 456 789',
      '12a',
      '1234567890',
    ]);
  });
});

describe('a stay', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  function storage(): void {
    const kept = new Map<string, string>();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
  }

  const entry = {
    session: 's',
    token: 't',
    expires: 1_800_000_000_000,
    name: 'Ana',
    way: 'password',
  } as const;

  it('is kept for the tab, without a password', () => {
    storage();
    keepStay('hall', { entry, knock: { name: 'Ana', email: 'a@b', password: 'secret', here: true } });
    expect(stayOf('hall')).toEqual({ entry, knock: { name: 'Ana', email: 'a@b' } });
    expect(sessionStorage.getItem('freshet-stay:hall')).not.toContain('secret');
    expect(stayOf('other')).toBeUndefined();
    dropStay('hall');
    expect(stayOf('hall')).toBeUndefined();
  });

  it('is nothing where storage is blocked or odd', () => {
    keepStay('hall', { entry, knock: {} }); // there is no storage in Node
    expect(stayOf('hall')).toBeUndefined();
    storage();
    for (const odd of ['', '7', 'null', '{"entry":{"token":5}}']) {
      sessionStorage.setItem('freshet-stay:hall', odd);
      sessionStorage.setItem('freshet-typed', odd);
      expect(stayOf('hall')).toBeUndefined();
      expect(typedBefore()).toEqual({ name: '', email: '' });
    }
  });

  it('is read with care', () => {
    expect(entryOf(null)).toEqual({ session: '', token: '', expires: 0, name: '', way: 'open' });
    expect(entryOf({ expires: '2027-01-15T08:00:00Z', way: 'odd' })).toMatchObject({
      expires: entry.expires,
      way: 'open',
    });
  });
});

test('what an event asks is read with care', () => {
  const event = eventOf({
    access: 'registration',
    registration: 'waiting-list',
    approval: true,
    form: [
      { id: 'a', label: 'Where from?', kind: 'choice', options: ['Here', 5], required: true },
      { id: 'b', label: 'New kind', kind: 'stars' },
      null,
    ],
  });
  expect(event).toMatchObject({ access: 'registration', registration: 'waiting-list', approval: true });
  expect(event.form.map(({ kind, options, required }) => [kind, options, required])).toEqual([
    ['choice', ['Here', ''], true],
    ['text', [], false],
    ['text', [], false],
  ]);
  expect(eventOf({ access: 'odd', registration: 7 })).toMatchObject({
    access: 'open',
    registration: 'closed',
    form: [],
  });
});
