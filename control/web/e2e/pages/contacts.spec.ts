/** The address book, its groups, and guests out of it. */
import { expect } from '@playwright/test';
import { type Answers, problem } from '../answers';
import { event, here, me } from '../events';
import { expectAccessible } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const id = (n: number) => `0198a000-0000-7000-8000-0000000b00${String(n).padStart(2, '0')}`;
const contact = (n: number, name: string, email: string, language = '') => ({
  id: id(n),
  name,
  email,
  language,
  createdAt: '2026-11-20T09:00:00Z',
  etag: '"1"',
});
const group = (n: number, name: string, contacts: number) => ({
  id: id(n),
  name,
  contacts,
  createdAt: '2026-11-20T09:00:00Z',
});
const press = group(50, 'Press of Québec and Ontario, with everybody who ever wrote of us', 2);
const staff = group(51, 'Staff', 14);
const people = [
  contact(1, 'Ana Silva', 'ana@delta.example', 'pt'),
  contact(2, '', 'somebody.with.a.long.address@conferences.delta.example'),
  contact(3, 'Leo Tremblay', 'leo@delta.example', 'fr-CA'),
];
const list = (contacts: unknown[], more: Record<string, unknown> = {}) => ({
  body: { contacts, total: contacts.length, ...more },
});
const around: Answers = {
  'GET /me': me,
  'GET /contacts': list(people, { next: 'behind' }),
  'GET /contact-groups': { body: [press, staff] },
};

const states: State[] = [
  { name: 'contacts', path: '/contacts', answers: around, en: 'Ana Silva', fr: 'Ana Silva' },
  {
    name: 'contacts of a group',
    path: `/contacts/groups/${press.id}`,
    answers: around,
    en: 'Ana Silva',
    fr: 'Ana Silva',
  },
  {
    name: 'contacts none',
    path: '/contacts',
    answers: { ...around, 'GET /contacts': list([]), 'GET /contact-groups': { body: [] } },
    en: 'The address book is empty',
    fr: 'Le carnet d',
  },
  {
    name: 'contacts none in a group',
    path: `/contacts/groups/${press.id}`,
    answers: { ...around, 'GET /contacts': list([]) },
    en: 'Nobody is in this group yet',
    fr: 'Ce groupe est vide',
  },
  {
    name: 'contacts none found',
    path: '/contacts?search=nobody',
    answers: { ...around, 'GET /contacts': list([]) },
    en: 'No contact fits',
    fr: 'Aucun contact ne correspond',
  },
  {
    name: 'contacts of a group that is gone',
    path: `/contacts/groups/${id(99)}`,
    answers: { ...around, 'GET /contacts': list([]) },
    en: 'This group is not there any more',
    fr: 'Ce groupe n',
  },
  {
    name: 'contacts failed',
    path: '/contacts',
    answers: { ...around, 'GET /contacts': problem(418, 'odd', { detail: 'I brew.' }) },
    en: 'Try again',
    fr: 'Réessayer',
  },
];

lookAtEach(states);

test('contacts are chosen, put into a group and edited', async ({ page, mesh }, info) => {
  const sent: unknown[] = [];
  const errors = await visit(page, mesh, '/contacts', {
    ...around,
    [`POST /contact-groups/${staff.id}/contacts`]: request => {
      sent.push(request.postDataJSON());
      return { body: { changed: 2 } };
    },
    [`PATCH /contacts/${id(1)}`]: request => {
      sent.push([request.headers()['if-match'], request.postDataJSON()]);
      return { body: people[0] };
    },
  });
  await page.getByLabel('Choose Ana Silva').check();
  await page.getByLabel('Choose Leo Tremblay').check();
  await page.getByRole('button', { name: 'Put into a group' }).click();
  await page.screenshot({ path: info.outputPath('put.png') });
  await expectAccessible(page);
  await page.getByRole('menuitem', { name: 'Staff' }).click();
  await expect(page.getByText('2 chosen')).toHaveCount(0);
  await page.getByRole('button', { name: 'Edit Ana Silva' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Ana M. Silva');
  await page.screenshot({ path: info.outputPath('edit.png') });
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  expect(sent).toEqual([
    { contacts: [id(1), id(3)] },
    ['"1"', { name: 'Ana M. Silva', email: 'ana@delta.example', language: 'pt' }],
  ]);
  expect(errors).toEqual([]);
});

test('a group is made; another is not called so', async ({ page, mesh }, info) => {
  let tries = 0;
  const errors = await visit(page, mesh, '/contacts', {
    ...around,
    'POST /contact-groups': () =>
      ++tries === 1
        ? problem(409, 'taken', { detail: 'Another group is called so.' })
        : { status: 201, body: staff },
  });
  await page.getByRole('button', { name: 'New group' }).click();
  await page.getByLabel('Name of the group').fill('Staff');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('Another group is called so. Choose another name.');
  await page.screenshot({ path: info.outputPath('taken.png') });
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Make the group' }).click();
  await expect(page.getByRole('heading', { level: 2, name: 'Staff' })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`/contacts/groups/${staff.id}`));
  expect(errors).toEqual([]);
});

test('groups and contacts are put on the list of an event', async ({ page, mesh }, info) => {
  const sent: unknown[] = [];
  const errors = await visit(page, mesh, `${here}/guests`, {
    ...around,
    [`GET ${here}`]: event('scheduled', { access: 'registration', form: [] }),
    [`GET ${here}/guests`]: { body: { guests: [], total: 0, waiting: 0 } },
    [`POST ${here}/guests/contacts`]: request => {
      sent.push(request.postDataJSON());
      return { body: { added: 14, double: 1, bad: [] } };
    },
  });
  await page.getByRole('button', { name: 'From contacts' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Staff (14)').check();
  await dialog.getByLabel('Search contacts').fill('leo');
  await dialog.getByLabel('Leo Tremblay').check();
  await page.screenshot({ path: info.outputPath('from contacts.png') });
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Add a group and 1 contact' }).click();
  await expect(dialog.getByText('14 guests were added.')).toBeVisible();
  await expect(dialog.getByText('1 was on the list already.')).toBeVisible();
  expect(sent).toEqual([{ groups: [staff.id], contacts: [id(3)], invite: true }]);
  expect(errors).toEqual([]);
});
