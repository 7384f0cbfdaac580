/** The calendar and the form of a new event, in the states that a healthy control node never shows all of. */
import { expect } from '@playwright/test';
import { type Answer, type Answers, anaAs, problem } from '../answers';
import { expectAccessible } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const now = new Date('2026-11-27T09:30:00Z'); // 10:30 in Paris, where Ana is
const account = { id: '0198a000-0000-7000-8000-0000000000d0', name: 'Delta Conferences' };
const ana = (role: 'owner' | 'presenter', more: Record<string, unknown> = {}) =>
  anaAs(role, {
    account: { ...account, role, may: role === 'owner' ? ['see-event', 'create-events'] : ['see-event'] },
    ...more,
  });

let number = 0;
function event(title: string, state: string, startsAt: string, more: Record<string, unknown> = {}) {
  number++;
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
  return {
    id: `0198b000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    slug,
    number: '123456789',
    link: `https://live.delta.example/e/${slug}`,
    kind: 'webcast',
    title,
    languages: ['en'],
    startsAt,
    endsAt: null,
    timeZone: 'Europe/Paris',
    state,
    access: 'open',
    heldAt: null,
    endedAt: null,
    cancelledAt: null,
    role: 'owner',
    ...more,
  };
}

const townHall = event('Town hall', 'scheduled', '2026-11-27T10:05:00Z', { endsAt: '2026-11-27T11:30:00Z' });
const upcoming = [
  event('Morning briefing', 'ended', '2026-11-27T07:00:00Z'),
  townHall,
  event(
    'Press conference on the results of the third quarter, with questions',
    'cancelled',
    '2026-11-27T14:00Z',
  ),
  event('Onboarding', 'preparation', '2026-11-30T08:00:00Z', { kind: 'webinar' }),
  event('Night shift', 'scheduled', '2026-11-30T22:30:00Z', {
    kind: 'meeting',
    endsAt: '2026-12-01T01:00:00Z',
  }),
];
const onAir = event('Annual meeting', 'live', '2026-11-26T09:00:00Z', { heldAt: '2026-11-26T09:00:00Z' });
const past = [
  upcoming[0],
  event('Harvest report', 'ended', '2026-11-20T09:00:00Z', { endsAt: '2026-11-20T10:00:00Z' }),
  event('Rehearsal', 'archived', '2026-10-25T00:30:00Z'),
];
const list = (events: unknown[], next?: string): Answer => ({
  body: { events, ...(next === undefined ? {} : { next }) },
});

/** Answers by what is asked for. */
function events(answers: { live?: unknown[]; upcoming?: unknown[]; past?: unknown[] }): Answers {
  return {
    'GET /me': ana('owner'),
    'GET /events': request => {
      const asked = new URL(request.url()).searchParams;
      if (asked.get('state') === 'live') return list(answers.live ?? []);
      return list((asked.get('newest') === 'true' ? answers.past : answers.upcoming) ?? []);
    },
  };
}

const states: State[] = [
  {
    name: 'calendar upcoming',
    path: '/calendar',
    answers: events({ upcoming }),
    en: 'Town hall',
    fr: 'Town hall',
  },
  {
    name: 'calendar on the air',
    path: '/calendar',
    answers: events({ live: [onAir], upcoming }),
    en: 'On the air',
    fr: 'Annual meeting',
  },
  {
    name: 'calendar past',
    path: '/calendar?view=past',
    answers: events({ past }),
    en: 'Harvest report',
    fr: 'Rehearsal',
  },
  {
    name: 'calendar empty',
    path: '/calendar',
    answers: events({}),
    en: 'Nothing is planned. Make an event',
    fr: "Rien n'est prévu. Créez un événement",
  },
  {
    name: 'calendar empty for a presenter',
    path: '/calendar',
    answers: { ...events({}), 'GET /me': ana('presenter') },
    en: 'Events in which you are given a role appear here',
    fr: 'Les événements où vous recevez un rôle',
  },
  {
    name: 'calendar none found',
    path: '/calendar?q=glacier&state=cancelled',
    answers: events({}),
    en: 'Show all',
    fr: 'Tout afficher',
  },
  {
    name: 'calendar none past',
    path: '/calendar?view=past',
    answers: events({}),
    en: 'No event has been held yet',
    fr: "Aucun événement n'a encore eu lieu",
  },
  {
    name: 'calendar failed',
    path: '/calendar',
    answers: { 'GET /me': ana('owner'), 'GET /events': problem(418, 'odd', { detail: 'I brew.' }) },
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'calendar of no account',
    path: '/calendar',
    answers: { 'GET /me': anaAs('owner', { account: undefined, accounts: [] }) },
    en: 'You are a member of no account',
    fr: "Vous n'êtes membre d'aucun compte",
  },
  {
    name: 'new event',
    path: '/events/new?kind=meeting',
    answers: { 'GET /me': ana('owner') },
    en: 'Create the event',
    fr: "Créer l'événement",
  },
  {
    name: 'new event refused',
    path: '/events/new',
    answers: { 'GET /me': ana('presenter') },
    en: 'This needs the role organizer',
    fr: 'Il faut pour cela le rôle organisateur',
  },
];

lookAtEach(states, now);

test('the calendar is home: after log-in and from the navigation', async ({ page, mesh }) => {
  const errors = await visit(page, mesh, '/login?by=password', {
    ...events({ upcoming }),
    'POST /log-in': ana('owner'),
  });
  await page.getByLabel('Email').fill('ana@delta.example');
  await page.getByLabel('Password', { exact: true }).fill('a long password');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Calendar' })).toBeVisible();
  const places = page.getByRole('navigation', { name: 'Main pages' });
  await expect(places.getByRole('link', { name: 'Calendar' })).toHaveAttribute('aria-current', 'page');
  await places.getByRole('link', { name: 'Settings' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Profile' })).toBeVisible();
  await places.getByRole('link', { name: 'Calendar' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Calendar' })).toBeVisible();
  expect(errors).toEqual([]);
});

test('the address says which events, a page at a time', async ({ page, mesh }) => {
  const asked: string[] = [];
  await page.clock.setFixedTime(now);
  const errors = await visit(page, mesh, '/calendar', {
    'GET /me': ana('owner'),
    'GET /events': request => {
      const search = new URL(request.url()).searchParams;
      asked.push(search.toString());
      if (search.get('state') === 'live') return list([]);
      return search.has('cursor') ? list(past.slice(2)) : list(past.slice(1, 2), 'MTI');
    },
  });
  await page.getByRole('link', { name: 'Past' }).click();
  await expect(page.getByText('Harvest report')).toBeVisible();
  expect(asked.at(-1)).toBe('to=2026-11-27T23%3A00%3A00.000Z&newest=true');
  await page.getByRole('link', { name: 'Older events' }).click();
  await expect(page.getByRole('link', { name: 'Rehearsal', exact: true })).toBeVisible();
  expect(page.url()).toContain('cursor=MTI');
  await page.getByRole('link', { name: 'To the newest' }).click();
  await expect(page.getByText('Harvest report')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search titles' }).fill('harvest 2026');
  await page.keyboard.press('Enter');
  await expect.poll(() => asked.at(-1)).toContain('q=harvest+2026');
  await page.getByLabel('State').selectOption('ended');
  await expect.poll(() => asked.at(-1)).toContain('state=ended');
  await page.reload();
  await expect(page.getByRole('searchbox', { name: 'Search titles' })).toHaveValue('harvest 2026');
  await expect(page.getByLabel('State')).toHaveValue('ended');
  expect(errors).toEqual([]);
});

test('rows follow what happens, and keep their places under the pointer', async ({ page, mesh }) => {
  let later = false;
  await page.clock.install({ time: now });
  const errors = await visit(page, mesh, '/calendar', {
    'GET /me': ana('owner'),
    'GET /events': request => {
      if (new URL(request.url()).searchParams.get('state') === 'live')
        return list(later ? [onAir, { ...townHall, state: 'live' }] : []);
      return later
        ? list([
            event('Sudden news', 'scheduled', '2026-11-27T09:45:00Z'),
            { ...townHall, state: 'live' },
            upcoming[4],
          ])
        : list([townHall, upcoming[4]]);
    },
  });
  const row = page.getByRole('listitem').filter({ hasText: 'Night shift' });
  await row.hover();
  const before = await row.boundingBox();
  later = true;
  await page.clock.runFor(11_000);
  await expect(page.getByRole('listitem').getByText('Live', { exact: true }).first()).toBeVisible(); // what is known of a row is shown
  await expect(page.getByText('Sudden news')).toHaveCount(0);
  expect(await row.boundingBox()).toEqual(before);
  await page.mouse.move(5, 5);
  await expect(page.getByText('Sudden news')).toBeVisible();
  await expect(page.getByText('Annual meeting')).toBeVisible();
  expect(errors).toEqual([]);
});

test('the viewer link is copied', async ({ page, mesh, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.clock.setFixedTime(now);
  const errors = await visit(page, mesh, '/calendar', events({ upcoming: [townHall] }));
  await page.getByRole('button', { name: 'Copy: viewer link of Town hall' }).first().click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(townHall.link);
  expect(errors).toEqual([]);
});

test('a new event is created once, in the zone that was chosen', async ({ page, mesh }, info) => {
  const sent: unknown[] = [];
  const keys: (string | undefined)[] = [];
  const errors = await visit(page, mesh, '/events/new', {
    ...events({}),
    'POST /events': request => {
      sent.push(request.postDataJSON());
      keys.push(request.headers()['idempotency-key']);
      if (sent.length === 1)
        return problem(422, 'invalid', {
          errors: [
            { pointer: '/title', detail: 'short' },
            { pointer: '/startsAt', detail: 'none' },
            { pointer: '/password', detail: 'none' },
          ],
        });
      if (sent.length === 2) return problem(503, 'unavailable');
      return { status: 201, body: townHall };
    },
    [`GET /events/${townHall.id}`]: { headers: { ETag: '"1"' }, body: townHall },
  });
  await page.getByLabel('Who may come').selectOption('password');
  await page.getByRole('button', { name: 'Create the event' }).click();
  await expect(page.getByText('3 entries need another look')).toBeVisible();
  await expect(page.getByLabel('Title')).toBeFocused();
  await expect(page.getByLabel('Starts')).toHaveAccessibleDescription(/Choose a day and a time/);
  await page.screenshot({ path: info.outputPath('wrong.png'), fullPage: true });
  await expectAccessible(page);
  await page.getByLabel('Title').fill('Town hall');
  await page.getByLabel('Password of the event', { exact: true }).fill('snow melts');
  await page.getByLabel('Starts').fill('2026-12-01T14:00');
  await page.getByLabel('Time zone').selectOption('America/Toronto');
  await expect(page.getByText('1 Dec 2026, 20:00 for you')).toBeVisible();
  await page.getByLabel('Starts').fill('2027-03-14T02:30');
  await expect(page.getByText('it starts at 03:30')).toBeVisible();
  await page.getByLabel('Starts').fill('2026-12-01T14:00');
  await page.getByLabel('French').check();
  await page.getByRole('button', { name: 'Create the event' }).click();
  await expect(page.getByRole('alert')).toContainText('Nothing is lost');
  await expect(page.getByLabel('Starts')).toHaveValue('2026-12-01T14:00');
  await page.getByRole('button', { name: 'Create the event' }).click();
  await expect(page).toHaveURL(new RegExp(`/events/${townHall.id}$`));
  expect(sent[2]).toEqual({
    title: 'Town hall',
    kind: 'webcast',
    startsAt: '2026-12-01T19:00:00.000Z',
    timeZone: 'America/Toronto',
    languages: ['en', 'fr'],
    access: 'password',
    password: 'snow melts',
    description: '',
  });
  expect(keys[2]).toBe(keys[1]);
  expect(keys[1]).not.toBe(keys[0]);
  expect(errors).toEqual([]);
});
