/** Who comes in to an event: its rule, its direct link, its guests. */
import { expect } from '@playwright/test';
import { type Answers, problem } from '../answers';
import { event, here, me } from '../events';
import { expectAccessible } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const guest = (n: number, more: Record<string, unknown> = {}) => ({
  id: `0198a000-0000-7000-8000-0000000a00${String(n).padStart(2, '0')}`,
  name: '',
  email: `guest-${n}@delta.example`,
  language: 'en',
  source: 'added',
  state: 'in',
  answers: {},
  createdAt: '2026-11-20T09:00:00Z',
  invitedAt: null,
  seenAt: null,
  mail: null,
  ...more,
});
const form = [
  { id: 'from', label: 'Where do you come from?', kind: 'text', required: true },
  { id: 'meal', label: 'What do you eat?', kind: 'choice', options: ['All', 'No meat'], required: false },
  { id: 'terms', label: 'I agree that Delta Conferences writes to me', kind: 'consent', required: true },
];
const few = [
  guest(1, {
    name: 'Ana Silva',
    source: 'registered',
    state: 'waiting',
    answers: { from: 'Trois-Rivières', meal: 'No meat', terms: true },
    mail: { state: 'sent', answer: '' },
  }),
  guest(2, {
    name: 'Leo Tremblay',
    email: 'somebody.with.a.long.address@conferences.delta.example',
    source: 'imported',
    invitedAt: '2026-11-21T09:00:00Z',
    seenAt: '2026-11-27T08:00:00Z',
    mail: { state: 'sent', answer: '' },
  }),
  guest(3, { invitedAt: '2026-11-21T09:00:00Z', mail: { state: 'failed', answer: '550 no such user' } }),
  guest(4, { name: 'Max Roy', source: 'registered', state: 'refused' }),
  guest(5, { state: 'erased', email: '' }),
];
const list = (guests: unknown[], more: Record<string, unknown> = {}) => ({
  body: { guests, total: guests.length, waiting: 1, ...more },
});
const page50 = `${here}/guests?limit=50`;
const around: Answers = {
  'GET /me': me,
  [`GET ${here}`]: event('scheduled', { access: 'registration', form }),
  [`GET ${here}/guests`]: list(few),
};
const log = {
  body: {
    entries: [
      {
        at: '2026-11-21T09:00:00Z',
        by: { kind: 'person', id: '1', name: 'Ana Silva' },
        action: 'import-guests',
        detail: '2 added',
        guests: [{ id: '2', name: 'Leo Tremblay', email: 'leo@delta.example' }],
      },
      {
        at: '2026-11-20T09:00:00Z',
        by: { kind: 'person', id: '9', name: '' },
        action: 'remove-guests',
        detail: '12 removed',
        guests: [],
      },
    ],
  },
};
const direct = 'https://webcast.delta.example/e/general-assembly?direct=k7f3m9x2q8w4r6t1y5u0p3a7s9d2f4g6';

const states: State[] = [
  { name: 'guests', path: `${here}/guests`, answers: around, en: 'Ana Silva', fr: 'Ana Silva' },
  {
    name: 'guests none',
    path: `${here}/guests`,
    answers: { ...around, [`GET ${here}/guests`]: list([]) },
    en: 'Nobody is on the list yet',
    fr: 'La liste est vide',
  },
  {
    name: 'guests none found',
    path: `${here}/guests?search=nobody`,
    answers: { ...around, [`GET ${here}/guests`]: list([]) },
    en: 'No guest fits',
    fr: 'Aucun invité ne correspond',
  },
  {
    name: 'guests for who only sees them',
    path: `${here}/guests`,
    answers: {
      ...around,
      [`GET ${here}`]: event('live', { role: 'presenter', may: ['see-event', 'see-guests'] }),
    },
    en: 'Ana Silva',
    fr: 'Ana Silva',
  },
  {
    name: 'guests refused',
    path: `${here}/guests`,
    answers: { ...around, [`GET ${here}`]: event('live', { role: 'presenter', may: ['see-event'] }) },
    en: 'This needs the role',
    fr: 'Il faut pour cela le rôle',
  },
  {
    name: 'guests failed',
    path: `${here}/guests`,
    answers: { ...around, [`GET ${here}/guests`]: problem(418, 'odd', { detail: 'I brew.' }) },
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'access open',
    path: `${here}/access`,
    answers: { ...around, [`GET ${here}`]: event('scheduled') },
    en: 'Make a direct link',
    fr: 'Créer un lien direct',
  },
  {
    name: 'access registration',
    path: `${here}/access`,
    answers: {
      ...around,
      [`GET ${here}`]: event('scheduled', {
        access: 'registration',
        form,
        cap: 300,
        approval: true,
        directLink: direct,
      }),
    },
    en: 'What registration asks',
    fr: 'Ce que l',
  },
];

lookAtEach(states);

test('guests are pasted, invited and reported', async ({ page, mesh }, info) => {
  let now = list([]);
  const sent: unknown[] = [];
  const errors = await visit(page, mesh, `${here}/guests`, {
    ...around,
    [`GET ${here}/guests`]: () => now,
    [`POST ${here}/guests`]: request => {
      sent.push(request.postDataJSON());
      now = list(few);
      return {
        body: { added: 2, double: 1, bad: [{ line: 3, reason: 'This is not an email address.' }] },
      };
    },
  });
  await page.getByRole('button', { name: 'Add guests' }).click();
  const add = page.getByRole('dialog');
  await expect(add.getByRole('button', { name: 'Add guests' })).toBeDisabled();
  await add
    .getByLabel('Type or paste addresses')
    .fill('Ana Silva <ana@delta.example>\nleo@delta.example\nno address\nana@delta.example');
  await page.screenshot({ path: info.outputPath('add.png') });
  await expectAccessible(page);
  await add.getByRole('button', { name: 'Add 4 guests' }).click();
  await expect(add.getByText('2 guests were added.')).toBeVisible();
  await expect(add.getByText('1 was on the list already.')).toBeVisible();
  await expect(add.getByText('Line 3:')).toContainText('no address');
  await page.screenshot({ path: info.outputPath('report.png') });
  await expectAccessible(page);
  expect(sent).toEqual([
    {
      guests: [
        { name: 'Ana Silva', email: 'ana@delta.example' },
        { email: 'leo@delta.example' },
        { email: 'no address' },
        { email: 'ana@delta.example' },
      ],
      invite: true,
    },
  ]);
  await page.keyboard.press('Enter');
  await expect(page.getByText('Leo Tremblay')).toBeVisible();
  expect(errors).toEqual([]);
});

test('a file is imported whole, or its lines are named', async ({ page, mesh }, info) => {
  const bodies: (string | null)[] = [];
  const types: (string | undefined)[] = [];
  const errors = await visit(page, mesh, `${here}/guests`, {
    ...around,
    [`POST ${here}/guests/import?invite=false`]: request => {
      bodies.push(request.postData());
      types.push(request.headers()['content-type']);
      return bodies.length === 1
        ? problem(422, 'invalid', {
            errors: [
              { pointer: '/line/2', detail: 'There is no address.' },
              { pointer: '/line/7', detail: 'Something newer' },
            ],
          })
        : { body: { added: 10_000, double: 0, bad: [] } };
    },
  });
  await page.getByRole('button', { name: 'Add guests' }).click();
  const add = page.getByRole('dialog');
  const file = (text: string) => ({ name: 'guests.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  await add.getByLabel('Or choose a CSV file').setInputFiles(file('x'.repeat((4 << 20) + 1)));
  await expect(add.getByText('The file is larger than 4 MB.')).toBeVisible();
  await add.getByLabel('Or choose a CSV file').setInputFiles(file('name,email\nAna,'));
  await add.getByLabel('Send each the invitation at once').uncheck();
  await add.getByRole('button', { name: 'Import the file' }).click();
  await expect(add.getByRole('alert')).toContainText('Nothing was imported: 2 lines need another look.');
  await expect(add.getByText('Line 2:')).toContainText('There is no address.');
  await expect(add.getByText('Line 7:')).toContainText('Something newer');
  await page.screenshot({ path: info.outputPath('refused.png') });
  await expectAccessible(page);
  await add.getByLabel('Or choose a CSV file').setInputFiles(file('name,email\nAna,ana@delta.example'));
  await add.getByRole('button', { name: 'Import the file' }).click();
  await expect(add.getByText('10,000 guests were added.')).toBeVisible();
  expect(types).toEqual(['text/csv', 'text/csv']);
  expect(bodies[1]).toBe('name,email\nAna,ana@delta.example');
  expect(errors).toEqual([]);
});

test('guests are accepted, invited again, removed; the list is emptied by its number', async ({
  page,
  mesh,
}, info) => {
  const did: unknown[] = [];
  const [ana, leo] = few.map(({ id }) => id);
  const say = (what: string) => (request: { postData(): string | null }) => {
    const body = request.postData();
    did.push([what, ...(body === null ? [] : [JSON.parse(body) as unknown])]);
    return { body: { sent: 2 } };
  };
  const errors = await visit(page, mesh, `${here}/guests`, {
    ...around,
    [`POST ${here}/guests/${ana}/accept`]: say('accept'),
    [`POST ${here}/invitations`]: say('invite'),
    [`DELETE ${here}/guests/${leo}`]: request => ({
      ...say('remove')(request),
      status: 204,
      body: undefined,
    }),
    [`DELETE ${here}/guests`]: request => ({ ...say('empty')(request), status: 204, body: undefined }),
    [`GET ${here}/guests/log`]: log,
  });
  await page.getByText('3 answers').click();
  await expect(page.getByText('Trois-Rivières')).toBeVisible();
  await page.getByRole('button', { name: 'Accept Ana Silva' }).click();
  await page.getByRole('checkbox', { name: 'Choose Leo Tremblay' }).check();
  await page.getByRole('checkbox', { name: 'Choose guest-3@delta.example' }).check();
  await page.getByRole('button', { name: 'Invite 2 guests' }).click();
  await expect(page.getByText('2 mails are on their way.')).toBeVisible();
  await page.getByRole('button', { name: 'Send invitations' }).click();
  await page.screenshot({ path: info.outputPath('menu.png') });
  await page.getByRole('menuitem', { name: 'A test to me' }).click();
  await expect(page.getByText('A test invitation is on its way to you.')).toBeVisible();
  await page.getByRole('button', { name: 'More for Leo Tremblay' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove Leo Tremblay' }).click();
  await expect(page.getByRole('alertdialog')).toBeHidden();

  const more = async (item: string) => {
    await page.getByRole('button', { name: 'More for the list' }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await more('Activity log');
  await expect(page.getByText('Imported guests from a file')).toBeVisible();
  await page.screenshot({ path: info.outputPath('log.png') });
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Close' }).click();

  await more('Empty the list');
  const ask = page.getByRole('alertdialog');
  await ask.getByLabel('Type their number to go on').fill('4');
  await ask.getByRole('button', { name: 'Empty the list' }).click();
  await expect(ask.getByLabel('Type their number to go on')).toHaveAttribute('aria-invalid', 'true');
  await ask.getByLabel('Type their number to go on').fill('5');
  await page.screenshot({ path: info.outputPath('empty.png') });
  await expectAccessible(page);
  await ask.getByRole('button', { name: 'Empty the list' }).click();
  await expect(ask).toBeHidden();
  expect(did).toEqual([
    ['accept'],
    ['invite', { guests: [leo, few[2]?.id] }],
    ['invite', { test: true }],
    ['remove'],
    ['empty', { count: 5 }],
  ]);
  await expect(page.getByRole('link', { name: 'Download for Excel' })).toHaveAttribute(
    'href',
    `/api/v1${here}/guests.xlsx`,
  );
  expect(errors).toEqual([]);
});

test('new guests come by themselves, but under a hand wait until they are asked for; pages have an address', async ({
  page,
  mesh,
}) => {
  let now = list(few.slice(2), { total: 119, next: few[4]?.id });
  await page.clock.install();
  await visit(page, mesh, `${here}/guests`, {
    ...around,
    [`GET ${page50}`]: () => now,
    [`GET ${here}/guests?cursor=${few[4]?.id}&limit=50`]: list([guest(60)], { total: 120 }),
    [`GET ${here}/guests?source=imported&limit=50`]: list([few[1]]),
  });
  await expect(page.getByText('119', { exact: true })).toBeVisible();
  now = list(few.slice(1), { total: 120, next: few[4]?.id });
  await page.clock.runFor(3000);
  await expect(page.getByText('120', { exact: true })).toBeVisible();
  await expect(page.getByText('Leo Tremblay')).toBeVisible();
  await expect(page.getByRole('button', { name: /^Show/ })).toHaveCount(0);
  await page.getByText('Leo Tremblay').hover();
  now = list(few, { total: 121, next: few[4]?.id });
  await page.clock.runFor(3000);
  await expect(page.getByText('121', { exact: true })).toBeVisible();
  await expect(page.getByText('Ana Silva')).toHaveCount(1); // the person who is logged in
  await page.getByRole('button', { name: 'Show 1 new guest' }).click();
  await expect(page.getByRole('button', { name: 'Accept Ana Silva' })).toBeVisible();
  await page.getByRole('link', { name: 'More guests' }).click();
  await expect(page.getByText('guest-60@delta.example')).toBeVisible();
  await expect(page).toHaveURL(/cursor=/);
  await page.getByRole('link', { name: 'To the newest' }).click();
  await page.getByLabel('How they came on the list').selectOption('imported');
  await expect(page).toHaveURL(/source=imported/);
  await expect(page.getByText('guest-3@delta.example')).toHaveCount(0);
  await expect(page.getByText('Leo Tremblay')).toBeVisible();
});

test('the rule, the form and the direct link are changed', async ({ page, mesh }, info) => {
  const sent: unknown[] = [];
  let link: string | undefined;
  const errors = await visit(page, mesh, `${here}/access`, {
    ...around,
    [`GET ${here}`]: () => event('scheduled', { directLink: link }),
    [`PATCH ${here}`]: request => {
      sent.push(request.postDataJSON());
      return sent.length === 1
        ? problem(422, 'invalid', { errors: [{ pointer: '/form/1/options', detail: 'two at least' }] })
        : event('scheduled', { access: 'registration', form, directLink: link });
    },
    [`POST ${here}/direct`]: () => event('scheduled', { directLink: (link = direct) }),
    [`DELETE ${here}/direct`]: () => {
      link = undefined;
      return { status: 204 };
    },
  });
  await page.getByRole('button', { name: 'Make a direct link' }).click();
  await expect(page.getByText(direct)).toBeVisible();
  await page.getByRole('button', { name: 'Remove the link' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove the link' }).click();
  await expect(page.getByText(direct)).toHaveCount(0);

  await page.getByLabel('Who may watch').selectOption('registration');
  await page.getByRole('button', { name: 'Line of text' }).click();
  await expect(page.getByRole('group', { name: 'Field 1' }).getByLabel('Text of the field')).toBeFocused();
  await page.keyboard.type('What do you eat?');
  await page.getByRole('group', { name: 'Field 1' }).getByLabel('Kind').selectOption('choice');
  await page.getByRole('group', { name: 'Field 1' }).getByLabel('Options, one a line').fill('All');
  await page.getByRole('button', { name: 'Line of text' }).click();
  await page.keyboard.type('Where from?');
  await page.getByRole('button', { name: 'Move Field 2 up' }).click();
  await page.getByLabel('Number of places').fill('300');
  await page.getByLabel('Whoever registers waits until you accept them').check();
  await page.getByRole('button', { name: 'Save access' }).click();
  await expect(
    page.getByRole('group', { name: 'Field 2' }).getByLabel('Options, one a line'),
  ).toHaveAttribute('aria-invalid', 'true');
  await page.screenshot({ path: info.outputPath('form.png'), fullPage: true });
  await expectAccessible(page);
  await page.getByRole('group', { name: 'Field 2' }).getByLabel('Options, one a line').fill('All\nNo meat');
  await page.getByRole('button', { name: 'Save access' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  expect(sent[1]).toEqual({
    access: 'registration',
    form: [
      { label: 'Where from?', kind: 'text', required: false },
      { label: 'What do you eat?', kind: 'choice', options: ['All', 'No meat'], required: false },
    ],
    cap: 300,
    approval: true,
  });
  expect(errors).toEqual([]);
});

test('fields are dragged onto the form and within it', async ({ page, mesh }, info) => {
  const sent: unknown[] = [];
  await page.setViewportSize({ width: 1280, height: 1600 }); // a hand that drags cannot scroll, too
  const errors = await visit(page, mesh, `${here}/access`, {
    ...around,
    [`GET ${here}`]: event('scheduled', { access: 'registration', form: form.slice(0, 2) }),
    [`PATCH ${here}`]: request => {
      sent.push(request.postDataJSON());
      return event('scheduled', { access: 'registration', form: form.slice(0, 2) });
    },
  });
  const field = (n: number) => page.getByRole('group', { name: `Field ${n}`, exact: true });
  const grip = (n: number) => field(n).locator('[draggable]');
  const kind = (name: string) => page.locator('[draggable]').filter({ hasText: name }).locator('svg').first();
  await kind('Consent').dragTo(field(1), { targetPosition: { x: 40, y: 4 } });
  await expect(field(1).getByLabel('Kind')).toHaveValue('consent');
  await expect(field(1).getByLabel('Text of the field')).toBeFocused();
  await page.keyboard.type('I agree');
  await expect(field(1).getByLabel('Has to be answered')).toBeChecked();

  await grip(3).hover();
  await page.mouse.down();
  await field(2).hover({ position: { x: 40, y: 4 } });
  await page.screenshot({ path: info.outputPath('dragged.png'), fullPage: true });
  await page.mouse.up();
  await expect(field(2).getByLabel('Kind')).toHaveValue('choice');
  await grip(1).dragTo(page.getByText('Add a field: press its kind')); // beneath the last
  await expect(field(3).getByLabel('Text of the field')).toHaveValue('I agree');
  await grip(1).dragTo(page.getByLabel('Number of places')); // dropped elsewhere, nothing moves
  await page.getByRole('button', { name: 'Save access' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  expect(sent).toEqual([
    {
      form: [
        {
          id: 'meal',
          label: 'What do you eat?',
          kind: 'choice',
          options: ['All', 'No meat'],
          required: false,
        },
        { id: 'from', label: 'Where do you come from?', kind: 'text', required: true },
        { label: 'I agree', kind: 'consent', required: true },
      ],
    },
  ]);
  expect(errors).toEqual([]);
});
