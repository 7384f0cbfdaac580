import { expect, test } from 'vitest';
import { bodyOf, lasting } from '../order/draft';

const draft = {
  organization: 'Delta',
  name: 'Ana',
  email: 'ana@delta.example',
  phone: '',
  title: 'Launch',
  startsAt: '2026-12-01T14:00',
  timeZone: 'Europe/Paris',
  minutes: '90',
  viewers: '10 000',
  languages: ['en'],
  options: ['poll'],
  remarks: '',
};

test('a draft becomes what the API takes', () => {
  expect(bodyOf(draft, 'fr')).toEqual({
    ...draft,
    startsAt: '2026-12-01T13:00:00.000Z',
    minutes: 90,
    viewers: 10000,
    options: { registration: false, poll: true, languages: false, sms: false },
    language: 'fr',
  });
});

test('a second language is ordered with it', () => {
  expect(bodyOf({ ...draft, languages: ['en', 'fr'] }, 'en').options.languages).toBe(true);
});

test.each(['', 'many', '-'])('%j is no number of viewers, which the server says', viewers => {
  expect(bodyOf({ ...draft, viewers, startsAt: '' }, 'en')).toMatchObject({ viewers: 0, startsAt: '' });
});

test('durations', () => {
  expect([45, 60, 65, 1440].map(lasting)).toEqual([
    '45\u00a0min',
    '1\u00a0h',
    '1\u00a0h\u00a005\u00a0min',
    '24\u00a0h',
  ]);
});
