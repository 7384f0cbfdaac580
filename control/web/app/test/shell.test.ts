import { expect, test } from 'vitest';
import { Problem } from '@freshet/player/problem';
import { translator } from '@freshet/player/message';
import en from '../i18n/account/en.json';
import { actOf } from '../settings/act';
import { browserOf } from '../settings/browser';
import { countryChoices, zones } from '../settings/zones';
import { home, may, mayTryAgain, mustLogIn, safeTarget } from '../shell/guard';
import { ApiProblem, apiProblemOf, asApiProblem, describe, fieldsOf, sortFields } from '../shell/problem';
import { type Key } from '../shell/words';
import { localeOf } from '../shell/when';

const t = translator<Key>(en, 'en');
const problem = (kind: string, status: number, pointers: string[] = [], more: Problem['more'] = {}) =>
  new ApiProblem(
    new Problem(kind, status, 'Title', 'Detail', more),
    pointers.map(pointer => ({ pointer, detail: 'x' })),
  );

test.each([
  ['/settings/members', '/settings/members'],
  ['/settings/audit?cursor=51', '/settings/audit?cursor=51'],
  [undefined, home],
  ['', home],
  ['settings', home],
  ['//evil.example/x', home],
  ['/\\evil.example', home],
  ['/\tevil.example', home],
  ['https://evil.example/', home],
  ['javascript:alert(1)', home],
  ['/login?to=/x', home],
  [7, home],
])('whoever wanted %j lands on %s', (to, target) => {
  expect(safeTarget(to)).toBe(target);
});

test('a role allows what the API says that it allows', () => {
  const account = { id: 'a', name: 'A', role: 'organizer', may: ['see-members'] } as const;
  expect(may({ account: { ...account, may: [...account.may] } }, 'see-members')).toBe(true);
  expect(may({ account: { ...account, may: [...account.may] } }, 'see-audit')).toBe(false);
  expect(may({}, 'see-members')).toBe(false);
});

test('only who is not logged in is sent to log in', () => {
  expect(mustLogIn(problem('unauthorized', 401))).toBe(true);
  expect(mustLogIn(problem('log-in', 401))).toBe(false);
  expect(mustLogIn(new Error('x'))).toBe(false);
});

test('what may pass is asked for again, twice', () => {
  expect([0, 1, 2].map(n => mayTryAgain(n, problem('unavailable', 503)))).toEqual([true, true, false]);
  expect(mayTryAgain(0, problem('unreachable', 0))).toBe(true);
  expect(mayTryAgain(0, problem('forbidden', 403))).toBe(false);
  expect(mayTryAgain(0, new Error('x'))).toBe(false);
});

test('the places that are wrong are read with care', () => {
  expect(fieldsOf({ errors: [{ pointer: '/email', detail: 'odd' }] })).toEqual([
    { pointer: '/email', detail: 'odd' },
  ]);
  expect(fieldsOf({ errors: [{ pointer: '/a' }] })).toEqual([{ pointer: '/a', detail: '' }]);
  for (const bad of [
    null,
    7,
    'x',
    {},
    { errors: 'x' },
    { errors: [null, { pointer: 7 }, { pointer: 'email' }] },
  ]) {
    expect(fieldsOf(bad)).toEqual([]);
  }
});

test('an answer becomes a problem with its places, whatever its body', async () => {
  const read = await apiProblemOf(
    new Response(
      '{"type":"/problems/invalid","title":"Not valid","errors":[{"pointer":"/name","detail":"short"}]}',
      {
        status: 422,
        headers: { 'Content-Type': 'application/problem+json' },
      },
    ),
  );
  expect([read.kind, read.status, read.fields]).toEqual([
    'invalid',
    422,
    [{ pointer: '/name', detail: 'short' }],
  ]);
  const broken = await apiProblemOf(new Response('<html>', { status: 502 }));
  expect([broken.kind, broken.fields]).toEqual(['status-502', []]);
  expect(asApiProblem(new TypeError('no network')).kind).toBe('unreachable');
});

test('places go to the fields of their name, in the order of the form; others stay', () => {
  const names = ['name', 'email'] as const;
  const sorted = sortFields(problem('invalid', 422, ['/email', '/name', '/email', '/path/id', '/']), names);
  expect(sorted.at).toEqual(['name', 'email']);
  expect(sorted.rest.map(field => field.pointer)).toEqual(['/path/id', '/']);
});

test('problems say what happened and what to do', () => {
  expect(describe(problem('link-dead', 410), t)).toBe(en['problem.linkDead']);
  expect(describe(problem('too-many', 429, [], { retryAfterMS: 61_000 }), t)).toContain('Wait 2 minutes');
  expect(describe(problem('too-many', 429), t)).toContain('Wait 1 minute,');
  expect(describe(problem('odd', 418), t)).toBe('Title');
});

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36', 'Chrome', 'Linux'],
  [
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0',
    'Edge',
    'Windows',
  ],
  ['Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0', 'Firefox', 'Android'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1', 'Safari', 'iPhone'],
  ['curl/8', '', ''],
  ['', '', ''],
])('%s is %s on %s', (agent, browser, system) => {
  expect(browserOf(agent)).toEqual({ browser, system });
});

test('an entry of the audit log says what was done, to whom and how', () => {
  const entry = { actorId: 'a', subject: 'person/b', detail: '' };
  const names = new Map([
    ['person/a', 'Ana'],
    ['person/b', 'Leo'],
  ]);
  expect(actOf({ ...entry, action: 'set-role', detail: 'owner' }, names, t)).toBe(
    'Changed a role: Leo, Owner',
  );
  expect(actOf({ ...entry, action: 'remove-member' }, new Map(), t)).toBe('Removed a member');
  expect(actOf({ ...entry, action: 'log-in', subject: 'person/a' }, names, t)).toBe(
    'Logged in with a password',
  );
  expect(actOf({ ...entry, action: 'made-up', detail: 'x' }, new Map(), t)).toBe('made-up: x');
});

test('every zone and country can be chosen, once', () => {
  const values = zones('Mars/Olympus').map(({ value }) => value);
  expect(values).toContain('UTC');
  expect(values).toContain('Mars/Olympus');
  expect(new Set(values).size).toBe(values.length);
  const french = countryChoices('fr', 'Non précisé');
  expect(french[0]).toEqual({ value: '', name: 'Non précisé' });
  expect(french).toHaveLength(250);
  expect(french.find(({ value }) => value === 'DE')?.name).toBe('Allemagne');
});

test('moments are written as the language and its region do', () => {
  expect(localeOf('en', ['en-US'])).toBe('en-GB');
  expect(localeOf('fr', ['en', 'fr-CA', 'fr'])).toBe('fr-CA');
  expect(localeOf('fr', ['fr', 'fr-CA'])).toBe('fr-FR');
  expect(localeOf('fr', [])).toBe('fr-FR');
});
