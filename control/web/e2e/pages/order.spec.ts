/** A quote is asked for, and the order form that comes of it is read. */
import { expect } from '@playwright/test';
import { type Answer, type Answers, anaAs, problem } from '../answers';
import { expectAccessible } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const id = '0198a000-0000-7000-8000-00000000e001';
const number = '0198a000-0000-7000-8000-00000000f001';
const nobody: Answers = { 'GET /me': problem(401, 'unauthorized') };
const ana: Answers = {
  'GET /me': anaAs('owner', {
    account: {
      id: '0198a000-0000-7000-8000-0000000000d0',
      name: 'Delta Conferences',
      role: 'owner',
      may: ['see-account', 'create-events'],
    },
  }),
};
const options = { registration: true, poll: true, languages: true, sms: false };

function event(may: string[]): Answer {
  return {
    headers: { ETag: '"1"' },
    body: {
      id,
      slug: 'general-assembly',
      number: '402918337',
      link: 'https://webcast.delta.example/e/general-assembly',
      kind: 'webcast',
      title: 'General assembly',
      description: '',
      languages: ['en', 'fr-CA'],
      startsAt: '2026-12-01T13:00:00Z',
      endsAt: '2026-12-01T15:30:00Z',
      timeZone: 'America/Toronto',
      state: 'scheduled',
      access: 'open',
      agenda: [],
      lobby: '',
      password: false,
      options,
      role: may.includes('see-order') ? 'owner' : 'collaborator',
      may,
      steps: [],
      deletable: false,
      createdAt: '2026-11-20T09:00:00Z',
      heldAt: null,
      endedAt: null,
      cancelledAt: null,
    },
  };
}

const order = {
  id: number,
  organization: 'Delta Conferences',
  name: 'Ana Silva',
  email: 'ana@delta.example',
  phone: '+1 514 555 0199',
  title: 'General assembly',
  startsAt: '2026-12-01T13:00:00Z',
  timeZone: 'America/Toronto',
  minutes: 150,
  viewers: 9500,
  languages: ['en', 'fr-CA'],
  options,
  remarks: 'Two rooms, one of them in the old mill.\nThe second joins at ten.',
  askedAt: '2026-11-19T09:00:00Z',
  acceptedAt: '2026-11-20T09:00:00Z',
};
const here = `/events/${id}`;
const ofEvent = (form: Answer, may = ['see-event', 'edit-event', 'edit-users', 'see-order']): Answers => ({
  ...ana,
  [`GET ${here}`]: event(may),
  [`GET ${here}/order`]: form,
});

const states: State[] = [
  { name: 'quote', path: '/orders/new', answers: nobody, en: 'Send the request', fr: 'Envoyer la demande' },
  {
    name: 'quote of a member',
    path: '/orders/new',
    answers: ana,
    en: 'Send the request',
    fr: 'Envoyer la demande',
  },
  {
    name: 'order',
    path: `${here}/order`,
    answers: ofEvent({ body: { options, createdAt: '2026-11-20T09:00:00Z', order } }),
    en: '9,500',
    fr: 'Two rooms',
  },
  {
    name: 'order none',
    path: `${here}/order`,
    answers: ofEvent({ body: { options, createdAt: '2026-11-20T09:00:00Z' } }),
    en: 'made without an order',
    fr: 'fait sans commande',
  },
  {
    name: 'order failed',
    path: `${here}/order`,
    answers: ofEvent(problem(418, 'odd', { detail: 'I brew.' })),
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'order for a collaborator',
    path: `${here}/order`,
    answers: ofEvent(problem(403, 'forbidden'), ['see-event']),
    en: 'organizer',
    fr: 'organisateur',
  },
];

lookAtEach(states);

test('a stranger asks for a quote; what is refused stands at its place', async ({ page, mesh }, info) => {
  const sent: unknown[] = [];
  const errors = await visit(page, mesh, '/orders/new', {
    ...nobody,
    'POST /public/quotes': request => {
      sent.push(request.postDataJSON());
      return sent.length === 1
        ? problem(422, 'invalid', {
            errors: [
              { pointer: '/viewers', detail: 'expected number <= 10000' },
              { pointer: '/startsAt', detail: 'The start is still to come.' },
            ],
          })
        : { status: 202, body: { id: number, askedAt: '2026-11-20T09:00:00Z' } };
    },
  });
  const field = (name: string) => page.getByLabel(name, { exact: true });
  await field('Title of the event').fill('Town hall');
  await field('Starts').fill('2026-01-01T14:00');
  await page.getByLabel('Time zone').selectOption('Europe/Paris');
  await field('Duration').selectOption('90');
  await field('Viewers at most').fill('12,000');
  await page.getByRole('checkbox', { name: 'French' }).check();
  await page.getByRole('checkbox', { name: 'Polls' }).check();
  await field('Organization').fill('Delta');
  await field('Your name').fill('Leo');
  await field('Email').fill('leo@delta.example');
  const send = page.getByRole('button', { name: 'Send the request' });
  await send.click();
  await expect(page.getByText('A number from 1 to 10,000').last()).toBeVisible();
  await expect(field('Starts')).toBeFocused();
  await page.screenshot({ path: info.outputPath('refused.png'), fullPage: true });
  await expectAccessible(page);
  await field('Starts').fill('2027-01-01T14:00');
  await field('Viewers at most').fill('9,000');
  await send.click();
  await expect(page.getByText('Your request has arrived')).toBeVisible();
  await expect(page.getByText(number)).toBeVisible();
  await page.screenshot({ path: info.outputPath('sent.png') });
  await expectAccessible(page);
  expect(sent[0]).toMatchObject({ viewers: 12000 });
  expect(sent[1]).toEqual({
    title: 'Town hall',
    startsAt: '2027-01-01T13:00:00.000Z',
    timeZone: 'Europe/Paris',
    minutes: 90,
    viewers: 9000,
    languages: ['en', 'fr'],
    options: { registration: true, poll: true, languages: true, sms: false },
    organization: 'Delta',
    name: 'Leo',
    email: 'leo@delta.example',
    phone: '',
    remarks: '',
    language: 'en',
  });
  expect(errors).toEqual([]);
});

test('an order form goes on paper without what is for the screen', async ({ page, mesh }, info) => {
  const errors = await visit(
    page,
    mesh,
    `${here}/order`,
    ofEvent({ body: { options, createdAt: '2026-11-20T09:00:00Z', order } }),
  );
  await expect(page.getByRole('heading', { name: 'Order form' })).toBeVisible();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const gone of [page.getByRole('navigation').first(), page.getByRole('button', { name: 'Print' })])
    await expect(gone).toBeHidden();
  await expect(page.getByText('Two rooms')).toBeVisible();
  await page.screenshot({ path: info.outputPath('paper.png'), fullPage: true });
  expect(errors).toEqual([]);
});
