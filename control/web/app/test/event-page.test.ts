import { expect, test } from 'vitest';
import { Problem } from '@freshet/player/problem';
import { askAgainMS, fullOf, inThrees, isNone, languageName, mainStep } from '../event-page/event';
import { languageChoices } from '../event-page/languages';
import {
  type Values,
  differing,
  fieldsOf,
  merged,
  moved,
  placed,
  valuesOf,
  wrongItems,
} from '../event-page/values';
import { ApiProblem } from '../shell/problem';

const base: Values = {
  title: 'Town hall',
  description: '',
  starts: '2026-12-01T14:00',
  ends: '2026-12-01T15:00',
  timeZone: 'Europe/Paris',
  languages: ['en'],
  access: 'open',
  password: '',
  agenda: [
    { at: '0', title: 'Welcome', text: '' },
    { at: '10', title: 'Figures', text: 'Of the year' },
  ],
  lobby: '',
  form: [],
  cap: '',
  approval: false,
};
const problem = (kind: string, status: number, pointers: string[] = []) =>
  new ApiProblem(
    new Problem(kind, status, 'Title', 'Detail', {}),
    pointers.map(pointer => ({ pointer, detail: 'x' })),
  );

test('an event becomes what is typed, in its own time zone', () => {
  const values = valuesOf({
    ...({} as Parameters<typeof valuesOf>[0]),
    title: 'Town hall',
    description: '',
    startsAt: '2026-12-01T13:00:42Z',
    endsAt: null,
    timeZone: 'Europe/Paris',
    languages: ['en'],
    access: 'open',
    agenda: [{ at: 0, title: 'Welcome' }],
    lobby: '',
    form: [{ id: 'a1', label: 'From', kind: 'choice', options: ['Here', 'There'] }],
    cap: 300,
    approval: true,
  });
  expect(values.starts).toBe('2026-12-01T14:00');
  expect(values.ends).toBe('');
  expect(values.agenda).toEqual([{ at: '0', title: 'Welcome', text: '' }]);
  expect(values.form).toEqual([
    { id: 'a1', label: 'From', kind: 'choice', options: 'Here\nThere', required: false },
  ]);
  expect([values.cap, values.approval]).toEqual(['300', true]);
});

test('only what was typed is sent', () => {
  expect(fieldsOf(base, base)).toEqual({});
  expect(fieldsOf(base, { ...base, title: 'All hands', password: 'open' })).toEqual({
    title: 'All hands',
    password: 'open',
  });
  expect(fieldsOf(base, { ...base, ends: '' })).toEqual({ endsAt: null });
  expect(fieldsOf(base, { ...base, agenda: [{ at: ' 5 ', title: 'A', text: '' }] })).toEqual({
    agenda: [{ at: 5, title: 'A', text: '' }],
  });
  // What is no number of minutes is for the API to refuse, at its place.
  expect(fieldsOf(base, { ...base, agenda: [{ at: 'soon', title: 'A', text: '' }] }).agenda?.[0]?.at).toBe(
    -1,
  );
});

test('in another time zone the same clocks are other moments', () => {
  expect(fieldsOf(base, { ...base, timeZone: 'America/Toronto' })).toEqual({
    timeZone: 'America/Toronto',
    startsAt: '2026-12-01T19:00:00.000Z',
    endsAt: '2026-12-01T20:00:00.000Z',
  });
  expect(fieldsOf({ ...base, ends: '' }, { ...base, ends: '', timeZone: 'UTC' })).toEqual({
    timeZone: 'UTC',
    startsAt: '2026-12-01T14:00:00.000Z',
  });
});

test('of two persons who changed different things both are right', () => {
  const typed = { ...base, title: 'Mine', lobby: 'Soon' };
  const saved = { ...base, title: 'Theirs', description: 'New' };
  const now = merged(base, typed, saved);
  expect(now).toEqual({ ...base, title: 'Mine', lobby: 'Soon', description: 'New' });
  expect(differing(saved, now)).toEqual(['title', 'lobby']);
});

test('rows move to any place, and no further than the ends', () => {
  expect(moved(['a', 'b', 'c'], 1, 0)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
  expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b']);
  expect(moved(['a', 'b'], 1, 2)).toEqual(['a', 'b']);
});

test('what the server refuses is found at its input', () => {
  const refused = placed(
    problem('invalid', 422, ['/startsAt', '/endsAt', '/title', '/agenda/1/title', '/agenda/0/at', '/']),
  );
  expect(refused.fields.map(field => field.pointer)).toEqual([
    '/starts',
    '/ends',
    '/title',
    '/agenda/1/title',
    '/agenda/0/at',
    '/',
  ]);
  expect(refused.kind).toBe('invalid');
  expect([...wrongItems(refused)]).toEqual(['1/title', '0/at']);
  expect(wrongItems(undefined).size).toBe(0);
});

test.each([
  ['scheduled', ['prepare', 'start', 'cancel'], 'prepare'],
  ['preparation', ['schedule', 'start', 'cancel'], 'start'],
  ['live', ['end'], 'end'],
  ['ended', ['start', 'archive'], undefined],
  ['live', [], undefined],
] as const)('%s with %j has %s filled', (state, steps, main) => {
  expect(mainStep(state, steps)).toBe(main);
});

test('an event is asked for more often while something may be on the air', () => {
  expect((['preparation', 'live'] as const).map(askAgainMS)).toEqual([2000, 2000]);
  expect([askAgainMS('scheduled'), askAgainMS('ended'), askAgainMS(undefined)]).toEqual([
    10_000, 10_000, 10_000,
  ]);
});

test('numbers are written in threes', () => {
  expect(inThrees('123456789')).toBe('123\u00a0456\u00a0789');
  expect(inThrees('')).toBe('');
});

test('problems of events', () => {
  expect([404, 422, 403, 0].map(status => isNone(problem('x', status)))).toEqual([true, true, false, false]);
  expect(isNone(new Error('x'))).toBe(false);
  expect(fullOf(problem('full', 409), 'full-users').kind).toBe('full-users');
  const other = problem('user', 409);
  expect(fullOf(other, 'full-users')).toBe(other); // the form tells a new problem from an old one
});

test('languages are named, and those that were chosen elsewhere are there', () => {
  expect(languageName('fr', 'en')).toBe('French');
  expect(languageName('not a tag', 'en')).toBe('not a tag');
  const choices = languageChoices('fr', ['oc', '', 'en']);
  expect(choices.some(({ value }) => value === 'oc')).toBe(true);
  expect(choices.some(({ value }) => value === '')).toBe(false);
  expect(choices.filter(({ value }) => value === 'en')).toHaveLength(1);
});

test('a form is sent whole, with the ids that answers hang on', () => {
  const field = {
    id: 'a1',
    label: ' From ',
    kind: 'choice',
    options: 'Here\n\n There ',
    required: true,
  } as const;
  const typed = {
    ...base,
    form: [field, { ...field, id: undefined, kind: 'text' as const }],
    cap: '1,000',
    approval: true,
  };
  expect(fieldsOf(base, typed)).toEqual({
    form: [
      { id: 'a1', label: 'From', kind: 'choice', required: true, options: ['Here', 'There'] },
      { label: 'From', kind: 'text', required: true },
    ],
    cap: 1000,
    approval: true,
  });
  expect(fieldsOf(typed, { ...typed, cap: '' })).toEqual({ cap: null });
  expect(fieldsOf(typed, { ...typed, cap: 'many' })).toEqual({ cap: 0 });
  expect(wrongItems(problem('invalid', 422, ['/form/1/options/0', '/agenda/0/title']), 'form')).toEqual(
    new Set(['1/options']),
  );
});
