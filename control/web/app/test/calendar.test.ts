import { expect, test } from 'vitest';
import { byDay, isPast, minutesUntil, nextOf, queryOf, searchOf, still } from '../calendar/agenda';
import { bodyOf, kindOf, type Draft } from '../calendar/draft';
import { dayOf, localOf, momentOf } from '../calendar/zone';
import { type EventLine } from '../shell/api';

const iso = (moment: number) => new Date(moment).toISOString();

test.each([
  ['2026-11-27T14:05', 'UTC', '2026-11-27T14:05:00.000Z'],
  ['2026-11-27T14:05', 'Europe/Paris', '2026-11-27T13:05:00.000Z'],
  ['2026-07-01T14:05', 'Europe/Paris', '2026-07-01T12:05:00.000Z'],
  ['2026-07-01T00:00', 'America/Toronto', '2026-07-01T04:00:00.000Z'],
  ['2026-11-27T14:05', 'Asia/Kathmandu', '2026-11-27T08:20:00.000Z'],
  ['2026-01-01T00:30', 'Pacific/Kiritimati', '2025-12-31T10:30:00.000Z'],
  ['2026-01-01T23:30', 'Pacific/Pago_Pago', '2026-01-02T10:30:00.000Z'],
  // Clocks go forward at 02:00 to 03:00, by half an hour on Lord Howe Island, at midnight in Santiago.
  ['2026-03-29T01:59', 'Europe/Paris', '2026-03-29T00:59:00.000Z'],
  ['2026-03-29T02:30', 'Europe/Paris', '2026-03-29T01:30:00.000Z'], // 03:30
  ['2026-03-29T03:00', 'Europe/Paris', '2026-03-29T01:00:00.000Z'],
  ['2026-03-08T02:30', 'America/Toronto', '2026-03-08T07:30:00.000Z'], // 03:30
  ['2026-10-04T02:15', 'Australia/Lord_Howe', '2026-10-03T15:45:00.000Z'], // 02:45
  ['2026-09-06T00:30', 'America/Santiago', '2026-09-06T04:30:00.000Z'], // 01:30
  // Clocks go back: of the two, the first.
  ['2026-10-25T01:59', 'Europe/Paris', '2026-10-24T23:59:00.000Z'],
  ['2026-10-25T02:30', 'Europe/Paris', '2026-10-25T00:30:00.000Z'],
  ['2026-10-25T03:00', 'Europe/Paris', '2026-10-25T02:00:00.000Z'],
  ['2026-11-01T01:30', 'America/Toronto', '2026-11-01T05:30:00.000Z'],
])('%s in %s is %s', (local, zone, moment) => {
  expect(iso(momentOf(local, zone))).toBe(moment);
});

test('a skipped time is moved on, every other one is what clocks show', () => {
  expect(localOf(momentOf('2026-03-29T02:30', 'Europe/Paris'), 'Europe/Paris')).toBe('2026-03-29T03:30');
  for (const zone of ['Europe/Paris', 'America/St_Johns', 'Asia/Tehran', 'Africa/Casablanca', 'UTC'])
    for (let hour = 0; hour < 24 * 366; hour++) {
      const local = localOf(Date.UTC(2026, 0, 1, hour, 30), zone);
      expect(localOf(momentOf(local, zone), zone)).toBe(local);
    }
});

test.each(['', '2026-11-27', '2026-13-27T14:05', '2026-11-27T25:05', 'tomorrow'])('%j is no time', local => {
  expect(momentOf(local, 'UTC')).toBeNaN();
});

test('a day lasts as long as clocks say', () => {
  const hours = (at: string, zone: string) => {
    const { from, to } = dayOf(Date.parse(at), zone);
    return [iso(from), (to - from) / 3_600_000];
  };
  expect(hours('2026-11-27T12:00Z', 'Europe/Paris')).toEqual(['2026-11-26T23:00:00.000Z', 24]);
  expect(hours('2026-03-29T12:00Z', 'Europe/Paris')).toEqual(['2026-03-28T23:00:00.000Z', 23]);
  expect(hours('2026-10-25T12:00Z', 'Europe/Paris')).toEqual(['2026-10-24T22:00:00.000Z', 25]);
});

test('the address is read with care', () => {
  expect(searchOf({ view: 'past', q: ' a b ', state: 'ended', cursor: 'MTI' })).toEqual({
    view: 'past',
    q: 'a b',
    state: 'ended',
    cursor: 'MTI',
  });
  expect(searchOf({ q: 2026, state: 'ended' })).toEqual({ q: '2026' }); // a state of the other view
  for (const bad of [{}, { view: 'x', q: {}, state: 7, cursor: null }, { q: ' ', cursor: '' }])
    expect(searchOf(bad)).toEqual({});
});

const day = { from: Date.parse('2026-11-27T00:00Z'), to: Date.parse('2026-11-28T00:00Z') };

test('each view asks for its own, from its end', () => {
  expect(queryOf({}, day)).toEqual({ from: iso(day.from) });
  expect(queryOf({ view: 'past', cursor: 'c' }, day)).toEqual({ to: iso(day.to), newest: true, cursor: 'c' });
  expect(queryOf({ state: 'live', q: 'x' }, day)).toEqual({ state: 'live', q: 'x' });
  expect(queryOf({ state: 'scheduled' }, day)).toEqual({ from: iso(day.from), state: 'scheduled' });
});

const now = Date.parse('2026-11-27T12:00Z');
const event = (id: string, state: EventLine['state'], startsAt: string) =>
  ({ id, state, startsAt }) as EventLine;

test('every event of today is in one view', () => {
  const past = (state: EventLine['state'], startsAt: string) => isPast(event('a', state, startsAt), now, day);
  expect(past('scheduled', '2026-11-27T09:00Z')).toBe(false); // late
  expect(past('scheduled', '2026-11-26T09:00Z')).toBe(true); // nobody held it
  expect(past('live', '2026-11-26T09:00Z')).toBe(false);
  expect(past('preparation', '2026-11-26T09:00Z')).toBe(false);
  expect(past('ended', '2026-11-27T14:00Z')).toBe(true);
  expect(past('archived', '2026-11-27T14:00Z')).toBe(true);
  expect(past('cancelled', '2026-11-27T14:00Z')).toBe(false);
  expect(past('cancelled', '2026-11-27T11:00Z')).toBe(true);
});

test('on top stands what is on the air, else what comes next', () => {
  const ids = (events: EventLine[]) => events.map(({ id }) => id);
  const old = event('old', 'scheduled', '2026-11-27T09:00Z');
  const next = event('next', 'scheduled', '2026-11-27T11:30Z');
  const ready = event('ready', 'preparation', '2026-11-27T15:00Z');
  const live = event('live', 'live', '2026-11-20T09:00Z');
  expect(ids(nextOf([live], [old, next], now))).toEqual(['live']);
  expect(ids(nextOf([], [old, next, ready], now))).toEqual(['next']);
  expect(ids(nextOf([], [old, event('x', 'cancelled', '2026-11-27T13:00Z'), next], now))).toEqual(['next']);
  expect(ids(nextOf([], [old, ready], now))).toEqual(['ready']);
  expect(nextOf([], [old], now)).toEqual([]);
});

test('time until a start is told within the hour', () => {
  expect([0, 1, 59, 60, -1].map(m => minutesUntil(now + m * 60_000, now))).toEqual([
    0,
    1,
    59,
    undefined,
    undefined,
  ]);
});

test('rows that are held keep their places, and their news', () => {
  const held = still(
    [event('a', 'scheduled', ''), event('b', 'scheduled', '')],
    [event('new', 'scheduled', ''), event('b', 'live', '')],
  );
  expect(held.map(({ id, state }) => `${id} ${state}`)).toEqual(['a scheduled', 'b live']);
});

test('neighbours of a day stand together', () => {
  expect(byDay(['a1', 'a2', 'b1', 'a3'], row => row.slice(0, 1))).toEqual([
    { day: 'a', rows: ['a1', 'a2'] },
    { day: 'b', rows: ['b1'] },
    { day: 'a', rows: ['a3'] },
  ]);
});

const draft: Draft = {
  title: 'Town hall',
  kind: 'webcast',
  startsAt: '2026-12-01T14:00',
  endsAt: '',
  timeZone: 'Europe/Paris',
  languages: ['en'],
  access: 'open',
  password: 'left over',
  description: '',
};

test('a new event is told in moments', () => {
  expect(bodyOf(draft)).toEqual({
    title: 'Town hall',
    kind: 'webcast',
    startsAt: '2026-12-01T13:00:00.000Z',
    timeZone: 'Europe/Paris',
    languages: ['en'],
    access: 'open',
    description: '',
  });
  const more = bodyOf({ ...draft, endsAt: '2026-12-01T15:30', access: 'password', password: 'snow' });
  expect([more.endsAt, more.access, more.password]).toEqual(['2026-12-01T14:30:00.000Z', 'password', 'snow']);
  const room = bodyOf({ ...draft, kind: 'permanent', endsAt: '2026-12-01T15:30' });
  expect(['startsAt' in room, 'endsAt' in room]).toEqual([false, false]);
  expect([kindOf('meeting'), kindOf('party'), kindOf(undefined)]).toEqual(['meeting', undefined, undefined]);
});
