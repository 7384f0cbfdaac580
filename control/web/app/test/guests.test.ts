import { expect, test } from 'vitest';
import { type Guest, held, narrowed, searchOf } from '../event-page/guests';
import { badLinesOf, peopleIn, reasonOf } from '../people/people';

test.each([
  ['', []],
  ['ana@delta.example', [{ email: 'ana@delta.example' }]],
  ['Ana Silva <ana@delta.example>', [{ name: 'Ana Silva', email: 'ana@delta.example' }]],
  ['"Silva, Ana" <ana@delta.example>', [{ name: 'Silva, Ana', email: 'ana@delta.example' }]],
  ['Ana Silva, ana@delta.example', [{ name: 'Ana Silva', email: 'ana@delta.example' }]],
  ['ana@delta.example, Ana Silva', [{ name: 'Ana Silva', email: 'ana@delta.example' }]],
  ['ana@delta.example\tAna Silva', [{ name: 'Ana Silva', email: 'ana@delta.example' }]],
  [
    'a@b.example, c@d.example; e@f.example',
    ['a@b.example', 'c@d.example', 'e@f.example'].map(email => ({ email })),
  ],
  [
    'Ana <a@b.example>, Leo <c@d.example>',
    [
      { name: 'Ana', email: 'a@b.example' },
      { name: 'Leo', email: 'c@d.example' },
    ],
  ],
  ['\r\n a@b.example \r\n\r\nno address\n', [{ email: 'a@b.example' }, { email: 'no address' }]],
])('%j becomes guests', (text, guests) => {
  expect(peopleIn(text)).toEqual(guests);
});

test('nothing moves while one looks: what is new waits, what is known is renewed', () => {
  const guest = (id: string, name = id) => ({ id, name }) as Guest;
  const shown = [guest('b'), guest('a')];
  expect(held(shown, [guest('c'), guest('b', 'B'), guest('a')])).toEqual({
    rows: [guest('b', 'B'), guest('a')],
    fresh: 1,
  });
  expect(held(shown, [])).toEqual({ rows: shown, fresh: 0 });
});

test('what stands in the address is read with care', () => {
  expect(searchOf({ search: 'ana', source: 'imported', state: 'waiting', cursor: 'x' })).toEqual({
    search: 'ana',
    source: 'imported',
    state: 'waiting',
    cursor: 'x',
  });
  expect(searchOf({ search: 5, source: 'odd', state: 'erased', cursor: '' })).toEqual({});
  expect(narrowed({ search: 'ana', source: 'added', cursor: 'x' }, { source: '' })).toEqual({
    search: 'ana',
  });
});

test('lines that are wrong are told in words', () => {
  expect(
    badLinesOf([
      { pointer: '/line/12', detail: 'There is no address.' },
      { pointer: '/body', detail: 'odd' },
    ]),
  ).toEqual([{ line: 12, reason: 'There is no address.' }]);
  const t = (key: string) => key;
  expect(reasonOf('There is no address.', t)).toBe('people.bad.none');
  expect(reasonOf('Something newer', t)).toBe('Something newer');
});
