/** The pages of one event, in the states that it passes through. */
import { expect } from '@playwright/test';
import { type Answer, type Answers, problem } from '../answers';
import { event, here, me, steps } from '../events';
import { expectAccessible, expectNoSidewaysScroll } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const copyId = '0198a000-0000-7000-8000-00000000e002';
const floor = {
  id: 'general-assembly-floor-7f3k',
  name: 'Floor',
  language: 'en',
  keyedAt: '2026-11-20T09:00:00Z',
  createdAt: '2026-11-20T09:00:00Z',
};
const french = {
  ...floor,
  id: 'general-assembly-french-9x2m',
  name: 'French',
  language: 'fr-CA',
  keyedAt: null,
};
const streams: Answer = { body: [floor, french] };
const air = (of: string, live: boolean, viewers = 0): Answer => ({
  body: {
    id: of,
    event: 'general-assembly',
    state: 'ready',
    live,
    viewers,
    waiting: viewers,
    tracks: [],
    edges: [],
  },
});
const users: Answer = {
  body: [
    {
      id: '0198a000-0000-7000-8000-00000000000b',
      email: 'leo@delta.example',
      name: 'Leo Tremblay',
      role: 'collaborator',
      addedAt: '2026-11-03T09:00:00Z',
      joinedAt: '2026-11-04T09:00:00Z',
    },
    {
      id: '0198a000-0000-7000-8000-00000000000c',
      email: 'somebody.with.a.long.address@conferences.delta.example',
      name: '',
      role: 'presenter',
      addedAt: '2026-11-20T15:30:00Z',
      joinedAt: null,
    },
  ],
};

const present: Answer = {
  body: {
    present: [
      {
        session: '0198a000-0000-7000-8000-00000000000f',
        guest: null,
        name: 'Zoé Lefèvre',
        email: 'zoe.with.a.long.address@conferences.delta.example',
        language: 'fr',
        way: 'pass',
        beganAt: '2026-12-01T12:41:00Z',
        seenAt: '2026-12-01T12:56:00Z',
      },
      {
        session: '0198a000-0000-7000-8000-00000000000e',
        guest: null,
        name: '',
        email: '',
        language: '',
        way: 'direct',
        beganAt: '2026-12-01T12:40:00Z',
        seenAt: '2026-12-01T12:55:00Z',
      },
    ],
    total: 214,
    next: '0198a000-0000-7000-8000-00000000000e',
  },
};

const around: Answers = {
  'GET /me': me,
  [`GET ${here}/streams`]: streams,
  [`GET ${here}/users`]: users,
  [`GET ${here}/present`]: present,
  [`GET ${here}/brand`]: {
    headers: { ETag: '"0"' },
    body: { colour: null, shown: { name: 'Delta Conferences' } },
  },
  [`GET /streams/${floor.id}`]: air(floor.id, true, 214),
  [`GET /streams/${french.id}`]: problem(404, 'stream-unknown'),
};
const of = (state: keyof typeof steps, more: Record<string, unknown> = {}): Answers => ({
  ...around,
  [`GET ${here}`]: event(state, more),
});

const states: State[] = [
  { name: 'event scheduled', path: here, answers: of('scheduled'), en: 'Prepare the event', fr: 'Préparer' },
  { name: 'event preparation', path: here, answers: of('preparation'), en: 'Receiving', fr: 'Réception' },
  { name: 'event live', path: here, answers: of('live'), en: '214 viewers', fr: '214 spectateurs' },
  { name: 'event ended', path: here, answers: of('ended'), en: 'Go live again', fr: "Reprendre l'antenne" },
  {
    name: 'event archived, no stream',
    path: here,
    answers: { ...of('archived'), [`GET ${here}/streams`]: { body: [] } },
    en: 'There is no stream yet',
    fr: "Il n'y a pas encore de flux",
  },
  { name: 'event cancelled', path: here, answers: of('cancelled'), en: 'Delete the event', fr: 'Supprimer' },
  {
    name: 'event for a presenter',
    path: here,
    answers: of('live', { role: 'presenter', may: ['see-event', 'run-event'] }),
    en: 'End the event',
    fr: "Terminer l'événement",
  },
  {
    name: 'event streams failed',
    path: here,
    answers: { ...of('scheduled'), [`GET ${here}/streams`]: problem(418, 'odd', { detail: 'I brew.' }) },
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'event none',
    path: here,
    answers: { ...around, [`GET ${here}`]: problem(404, 'event-unknown') },
    en: 'There is nothing at this address',
    fr: "Il n'y a rien à cette adresse",
  },
  {
    name: 'event failed',
    path: here,
    answers: { ...around, [`GET ${here}`]: problem(418, 'odd') },
    en: 'Try again',
    fr: 'Réessayer',
  },
  { name: 'event edit', path: `${here}/edit`, answers: of('scheduled'), en: 'Save event', fr: 'Enregistrer' },
  {
    name: 'event edit refused',
    path: `${here}/edit`,
    answers: of('scheduled', { role: 'presenter', may: ['see-event', 'run-event'] }),
    en: 'This needs the role organizer in this event',
    fr: 'Il faut pour cela le rôle organisateur',
  },
  {
    name: 'event users',
    path: `${here}/users`,
    answers: of('scheduled'),
    en: 'Leo Tremblay',
    fr: 'Leo Tremblay',
  },
  {
    name: 'event users none',
    path: `${here}/users`,
    answers: { ...of('scheduled'), [`GET ${here}/users`]: { body: [] } },
    en: 'Nobody has a role in this event alone',
    fr: "Personne n'a de rôle",
  },
];

lookAtEach(states);

test('an event is prepared, started and ended, by keyboard alone', async ({ page, mesh }, info) => {
  let state: keyof typeof steps = 'scheduled';
  const to = (next: keyof typeof steps) => () => event((state = next));
  const errors = await visit(page, mesh, here, {
    ...around,
    [`GET ${here}`]: () => event(state),
    [`POST ${here}/prepare`]: to('preparation'),
    [`POST ${here}/start`]: to('live'),
    [`POST ${here}/end`]: to('ended'),
  });
  const press = async (name: string) => {
    await page.getByRole('button', { name, exact: true }).first().focus();
    await page.keyboard.press('Enter');
  };
  await press('Prepare the event');
  await expect(page.getByText('In preparation')).toBeVisible();
  await expect(page.getByText('Nothing comes in')).toBeVisible();
  await expect(page.getByText('Receiving')).toBeVisible();
  await press('Start the event');
  const ask = page.getByRole('group', { name: 'Start for 214 waiting?' });
  await expect(ask).toBeVisible();
  await expect(page.getByRole('button', { name: 'Not yet' })).toBeFocused(); // the harmless one
  await page.screenshot({ path: info.outputPath('start.png') });
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(ask).toBeHidden();
  await expect(page.getByRole('button', { name: 'Start the event' })).toBeFocused();
  expect(state).toBe('preparation');
  await page.keyboard.press('Enter');
  await press('Start now');
  await expect(page.getByText('214 viewers')).toBeVisible();
  await expect(ask).toBeHidden();
  await press('End the event');
  const dialog = page.getByRole('alertdialog', { name: /^End “General assembly/ });
  await expect(dialog.getByRole('button', { name: 'Leave it open' })).toBeFocused();
  await page.screenshot({ path: info.outputPath('end.png') });
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  expect(state).toBe('live');
  await press('End the event');
  await dialog.getByRole('button', { name: 'End for all' }).click();
  await expect(page.getByRole('button', { name: 'Go live again' })).toBeVisible();
  expect(errors).toEqual([]);
});

test('what another person does is seen, and a step that came too late says so', async ({ page, mesh }) => {
  let state: keyof typeof steps = 'preparation';
  const errors = await visit(page, mesh, here, {
    ...around,
    [`GET ${here}`]: () => event(state),
    [`POST ${here}/cancel`]: problem(409, 'state'),
  });
  await page.getByRole('button', { name: 'Cancel the event' }).click();
  const dialog = page.getByRole('alertdialog', { name: /^Cancel “General assembly/ });
  await dialog.getByRole('button', { name: 'Cancel the event' }).click();
  await expect(dialog.getByRole('alert')).toContainText('The event is in another state by now');
  await dialog.getByRole('button', { name: 'Cancel', exact: true }).click();
  state = 'live';
  await expect(page.getByRole('button', { name: 'End the event' })).toBeVisible();
  expect(errors).toEqual([]);
});

test('who waits is not made up: without news the number is left out', async ({ page, mesh }, info) => {
  const errors = await visit(page, mesh, here, {
    ...of('preparation'),
    [`GET /streams/${floor.id}`]: problem(404, 'stream-unknown'),
  });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('button', { name: 'Start the event' }).click();
  await expect(page.getByRole('group', { name: 'Start the event?' })).toBeVisible();
  const seen = (button: Element) => {
    const { x, y, width, height } = button.getBoundingClientRect();
    return document.elementFromPoint(x + width / 2, y + height / 2) === button;
  };
  for (const name of ['Start now', 'Not yet'])
    // not under the bar at the foot
    expect(await page.getByRole('button', { name }).evaluate(seen)).toBe(true);
  await page.screenshot({ path: info.outputPath('start.png') });
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('what was sent twice is done once: the same key for the same, another for another', async ({
  page,
  mesh,
}) => {
  const keys: (string | undefined)[] = [];
  const made = { ...floor, id: 'new-stream-1a2b', name: 'Spanish', language: 'es' };
  await visit(page, mesh, here, {
    ...of('preparation'),
    [`GET ${here}/streams`]: { body: [floor] },
    [`GET /streams/${made.id}`]: air(made.id, false),
    [`POST ${here}/streams`]: request => {
      keys.push(request.headers()['idempotency-key']);
      if (keys.length === 1) return problem(503, 'unavailable');
      return keys.length === 2 ? problem(409, 'shown-once') : { status: 201, body: { ...made, key: 'k3y' } };
    },
    [`POST ${here}/clone`]: request => {
      keys.push(request.headers()['idempotency-key']);
      return problem(503, 'unavailable');
    },
  });
  await page.getByRole('button', { name: 'Add a stream' }).click();
  await page.getByLabel('Name').fill('Spanish');
  const add = page.getByRole('button', { name: 'Add the stream' });
  const said = page.getByRole('dialog').getByRole('alert');
  await add.click();
  await expect(said).toContainText('Nothing is lost');
  await add.click();
  await expect(said).toContainText('the answer with the key was lost');
  await add.click();
  await page.getByRole('button', { name: 'I have copied it' }).click();
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]); // what was lost is lost: it is another one
  for (const n of [4, 5]) {
    await page.getByRole('button', { name: 'Make a copy' }).click();
    await expect.poll(() => keys.length).toBe(n);
  }
  expect(keys[4]).toBe(keys[3]);
  expect(keys[3]).not.toBe(keys[2]);
});

test('a stream is added, its key shown once, renewed and closed', async ({ page, mesh }, info) => {
  const list = [floor];
  const made = { ...floor, id: 'new-stream-1a2b', name: 'Spanish', language: 'es', key: 'k3y-of-spanish' };
  const calls: string[] = [];
  const errors = await visit(page, mesh, here, {
    ...of('preparation'),
    [`GET ${here}/streams`]: () => ({ body: list }),
    [`GET /streams/${made.id}`]: air(made.id, false),
    [`POST ${here}/streams`]: request => {
      calls.push(request.postData() ?? '');
      list.push({ ...made, key: undefined } as unknown as typeof floor);
      return { status: 201, body: made };
    },
    [`POST ${here}/streams/${floor.id}/key`]: { body: { ...floor, key: 'another-key' } },
    [`DELETE ${here}/streams/${floor.id}`]: () => {
      list.shift();
      return { status: 204 };
    },
  });
  await page.getByRole('button', { name: 'Add a stream' }).click();
  await page.getByLabel('Name').fill('Spanish');
  await page.getByRole('dialog').getByLabel('Language').selectOption('es');
  await page.screenshot({ path: info.outputPath('add.png') });
  await page.getByRole('button', { name: 'Add the stream' }).click();
  const key = page.getByRole('alertdialog', { name: 'Key of Spanish' });
  await expect(key).toContainText('k3y-of-spanish');
  await expect(key).toContainText(`${mesh.url}/whip/new-stream-1a2b`);
  await page.screenshot({ path: info.outputPath('key.png') });
  await expectAccessible(page);
  await key.getByRole('button', { name: 'I have copied it' }).click();
  await expect(page.getByText('new-stream-1a2b')).toBeVisible();
  expect(JSON.parse(calls[0] ?? '')).toEqual({ name: 'Spanish', language: 'es' });

  await page.getByRole('button', { name: 'More for Floor' }).click();
  await page.getByRole('menuitem', { name: 'New key' }).click();
  await page
    .getByRole('alertdialog', { name: 'Make a new key for Floor?' })
    .getByText('Make a new key', { exact: true })
    .click();
  await expect(page.getByRole('alertdialog', { name: 'Key of Floor' })).toContainText('another-key');
  await page.getByRole('button', { name: 'I have copied it' }).click();

  await page.getByRole('button', { name: 'More for Floor' }).click();
  await page.getByRole('menuitem', { name: 'OBS settings' }).click();
  await expect(page.getByRole('dialog', { name: 'OBS settings of Floor' })).toContainText('?backup=1');
  await expect(page.getByRole('dialog', { name: 'OBS settings of Floor' })).toContainText(
    `/whip/${floor.id}`,
  );
  await expect(page.getByText('another-key')).toHaveCount(0);
  await page.getByRole('button', { name: 'Close', exact: true }).click();

  await page.getByRole('button', { name: 'More for Floor' }).click();
  await page.getByRole('menuitem', { name: 'Close the stream' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Close the stream' }).click();
  await expect(page.getByText(floor.id)).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('what is typed survives what another person saved', async ({ page, mesh }, info) => {
  let changed = false;
  const sent: { match: string | undefined; body: unknown }[] = [];
  const theirs = { title: 'General assembly', lobby: 'We begin late.' };
  const errors = await visit(page, mesh, `${here}/edit`, {
    ...around,
    [`GET ${here}`]: () =>
      changed ? { ...event('scheduled', theirs), headers: { ETag: '"2"' } } : event('scheduled'),
    [`PATCH ${here}`]: request => {
      sent.push({ match: request.headers()['if-match'], body: request.postDataJSON() });
      if (changed)
        return { ...event('scheduled', { ...theirs, title: 'Assembly' }), headers: { ETag: '"3"' } };
      changed = true;
      return problem(412, 'changed');
    },
  });
  await page.getByLabel('Title', { exact: true }).fill('Assembly');
  await page.getByRole('button', { name: 'Save event' }).click();
  await expect(page.getByText('This event was changed elsewhere meanwhile')).toBeVisible();
  await expect(page.getByText('Title: General assembly', { exact: true })).toBeVisible();
  await expect(page.getByLabel('Title', { exact: true })).toHaveValue('Assembly');
  await expect(page.getByRole('textbox', { name: 'Message to those who wait' })).toHaveValue(
    'We begin late.',
  );
  await page.screenshot({ path: info.outputPath('changed.png'), fullPage: true });
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save event' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(page.getByRole('heading', { level: 1, name: 'Assembly', exact: true })).toBeVisible();
  expect(sent).toEqual([
    { match: '"scheduled-1"', body: { title: 'Assembly' } },
    { match: '"2"', body: { title: 'Assembly' } },
  ]);
  expect(errors).toEqual([]);
});

test('after another start, and no other change, guests are told where that is wanted', async ({
  page,
  mesh,
}, info) => {
  const asked: unknown[] = [];
  let startsAt = '2026-12-01T13:00:00Z';
  let more = {};
  const errors = await visit(page, mesh, `${here}/edit`, {
    ...around,
    [`GET ${here}`]: () => event('scheduled', { startsAt, ...more }),
    [`PATCH ${here}`]: request => {
      const body = request.postDataJSON() as { startsAt?: string };
      startsAt = body.startsAt ?? startsAt;
      more = { ...more, ...body };
      return event('scheduled', { startsAt, ...more });
    },
    [`GET ${here}/invitations`]: { body: { change: 412 } },
    [`POST ${here}/invitations`]: request => {
      asked.push(request.postDataJSON());
      return asked.length === 1 ? problem(429, 'too-many') : { body: { sent: 411 } };
    },
  });
  const save = async () => {
    await page.getByRole('button', { name: 'Save event' }).click();
    await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  };
  const ask = page.getByRole('group', { name: 'Tell 412 guests of the change?' });
  await page.getByLabel('Starts').fill('2026-12-01T09:00');
  await save();
  await expect(ask).toBeVisible();
  await page.screenshot({ path: info.outputPath('tell.png'), fullPage: true });
  await expectAccessible(page);
  await ask.getByRole('button', { name: 'Not now' }).click();
  await expect(ask).toBeHidden();

  await page.getByRole('textbox', { name: 'Message to those who wait' }).fill('We begin late.');
  await save();
  await expect(ask).toBeHidden();

  await page.getByLabel('Starts').fill('2026-12-01T10:00');
  await save();
  await ask.getByRole('button', { name: 'Send the mail' }).click();
  await expect(ask.getByRole('alert')).toBeVisible();
  await ask.getByRole('button', { name: 'Send the mail' }).click();
  await expect(page.getByText('411 mails are on their way.')).toBeVisible();
  expect(asked).toEqual([{ change: true }, { change: true }]);
  expect(errors).toEqual([]);
});

test('the agenda is edited by buttons, and what is refused stands at its place', async ({
  page,
  mesh,
}, info) => {
  let tries = 0;
  let sent: unknown;
  const errors = await visit(page, mesh, `${here}/edit`, {
    ...of('scheduled'),
    [`PATCH ${here}`]: request => {
      sent = request.postDataJSON();
      return ++tries === 1
        ? problem(422, 'invalid', {
            errors: [
              { pointer: '/agenda/2/title', detail: 'An item of an agenda has a title.' },
              { pointer: '/endsAt', detail: 'An event ends after its start.' },
            ],
          })
        : event('scheduled');
    },
  });
  await page.getByRole('button', { name: 'Move Item 2 up' }).click();
  await expect(page.getByRole('group', { name: 'Item 1' }).getByLabel('Title of the item')).toBeFocused();
  await page.getByRole('button', { name: 'Add an item' }).click();
  await expect(page.getByRole('group', { name: 'Item 3' }).getByLabel('Title of the item')).toBeFocused();
  await page.getByRole('group', { name: 'Item 3' }).getByLabel('Minutes').fill('40');
  await page.getByLabel('Ends').fill('2026-12-01T07:00');
  await page.getByRole('button', { name: 'Remove English' }).click();
  await page.getByRole('button', { name: 'Save event' }).click();
  await expect(page.getByText('2 entries need another look')).toBeVisible();
  await expect(page.getByLabel('Ends')).toBeFocused();
  await expect(page.getByRole('group', { name: 'Item 3' }).getByLabel('Title of the item')).toHaveAttribute(
    'aria-invalid',
    'true',
  );
  await page.screenshot({ path: info.outputPath('refused.png'), fullPage: true });
  await expectAccessible(page);
  expect(sent).toEqual({
    endsAt: '2026-12-01T12:00:00.000Z',
    languages: ['fr-CA'],
    agenda: [
      { at: 0, title: 'Figures of the year', text: 'By Leo Tremblay' },
      { at: 10, title: 'Welcome', text: '' },
      { at: 40, title: '', text: '' },
    ],
  });
  await page
    .getByRole('button', { name: 'Remove: Item 3' })
    .or(page.getByRole('button', { name: 'Remove Item 3' }))
    .click();
  await expect(page.getByRole('group', { name: 'Item 3' })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('a user is added, gets another role and is removed', async ({ page, mesh }, info) => {
  const roles: unknown[] = [];
  let removed = 0;
  const leo = '0198a000-0000-7000-8000-00000000000b';
  const errors = await visit(page, mesh, `${here}/users`, {
    ...of('scheduled'),
    [`POST ${here}/users`]: problem(409, 'user'),
    [`PATCH ${here}/users/${leo}`]: request => {
      roles.push(request.postDataJSON());
      return { body: {} };
    },
    [`DELETE ${here}/users/${leo}`]: () => {
      removed++;
      return { status: 204 };
    },
  });
  await page.getByRole('button', { name: 'Add a user' }).click();
  await page.getByLabel('Email').fill('leo@delta.example');
  await page.getByRole('button', { name: 'Send the invitation' }).click();
  await expect(page.getByRole('alert')).toContainText('This person has a role in this event already');
  await expect(page.getByLabel('Email')).toHaveValue('leo@delta.example');
  await page.screenshot({ path: info.outputPath('add user.png') });
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByLabel('Role of Leo Tremblay').selectOption('organizer');
  await expect.poll(() => roles).toEqual([{ role: 'organizer' }]);
  await page.getByRole('button', { name: 'Remove Leo Tremblay' }).click();
  await page
    .getByRole('alertdialog', { name: 'Remove Leo Tremblay?' })
    .getByRole('button', { name: 'Remove Leo Tremblay' })
    .click();
  await expect(page.getByRole('alertdialog')).toBeHidden();
  expect(removed).toBe(1);
  expect(errors).toEqual([]);
});

test('a copy is opened, and a cancelled event is deleted by its title', async ({ page, mesh }, info) => {
  const copy = event('scheduled', { id: copyId, title: 'A copy' });
  let deleted = false;
  const errors = await visit(page, mesh, here, {
    ...of('cancelled'),
    [`POST ${here}/clone`]: { ...copy, status: 201 },
    [`GET /events/${copyId}`]: copy,
    [`GET /events/${copyId}/streams`]: { body: [] },
    [`DELETE ${here}`]: () => {
      deleted = true;
      return { status: 204 };
    },
    'GET /events': { body: { events: [] } },
  });
  await page.getByRole('button', { name: 'Make a copy' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'A copy' })).toBeVisible();
  await expect(page).toHaveTitle('A copy · Freshet');
  expect(new URL(page.url()).pathname).toBe(`/events/${copyId}`);
  await page.goBack();
  await page.getByRole('button', { name: 'Delete the event' }).click();
  const dialog = page.getByRole('alertdialog', { name: /^Delete “General/ });
  await dialog.getByLabel('Type the title to delete it').fill('General assembly');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect(dialog.getByLabel('Type the title to delete it')).toHaveAccessibleDescription(
    /This is not what stands above/,
  );
  await page.screenshot({ path: info.outputPath('delete.png') });
  await expectAccessible(page);
  expect(deleted).toBe(false);
  await dialog
    .getByLabel('Type the title to delete it')
    .fill('General assembly of the  shareholders of Delta Conferences 2026 ');
  await page.keyboard.press('Enter');
  await expect.poll(() => deleted).toBe(true);
  await expect.poll(() => new URL(page.url()).pathname).toBe('/calendar');
  expect(errors.filter(text => !text.includes('calendar'))).toEqual([]);
});
