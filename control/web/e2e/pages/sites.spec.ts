/** On which sites an event may be shown, who may come to it by where they come from, and what its mails show. */
import { expect } from '@playwright/test';
import { type Answer, type Answers, anaAs, problem } from '../answers';
import { test, visit } from '../states';

const id = '0198a000-0000-7000-8000-00000000e001';
const here = `/events/${id}`;
const nobody = {
  allowAddresses: [],
  denyAddresses: [],
  allowCountries: [],
  denyCountries: [],
  allowDomains: [],
  denyDomains: [],
};

/** An event, of which embed and filters change. */
function kept(): { answers: Answers; sent: unknown[] } {
  const sent: unknown[] = [];
  let version = 1;
  let event: Record<string, unknown> = {
    id,
    slug: 'general-assembly',
    number: '402918337',
    link: 'https://webcast.delta.example/e/general-assembly',
    kind: 'webcast',
    title: 'Assembly of "Delta" & friends',
    description: '',
    languages: [],
    startsAt: '2026-12-01T13:00:00Z',
    endsAt: null,
    timeZone: 'America/Toronto',
    state: 'scheduled',
    access: 'open',
    agenda: [],
    lobby: '',
    password: false,
    form: [],
    cap: null,
    approval: false,
    embed: { where: 'anywhere' },
    filters: nobody,
    mailHidden: [],
    options: { registration: true, poll: true, languages: true, sms: true },
    role: 'owner',
    may: ['see-event', 'edit-event'],
    steps: [],
    deletable: false,
    createdAt: '2026-11-20T09:00:00Z',
    heldAt: null,
    endedAt: null,
    cancelledAt: null,
  };
  const shown = (): Answer => ({ headers: { ETag: `"${version}"` }, body: event });
  return {
    sent,
    answers: {
      'GET /me': anaAs('owner'),
      [`GET ${here}`]: shown,
      [`GET ${here}/streams`]: { body: [] },
      [`GET ${here}/brand`]: { headers: { ETag: '"0"' }, body: { colour: null, shown: { name: 'Delta' } } },
      [`PATCH ${here}`]: request => {
        const body = JSON.parse(request.postData() ?? '') as Record<string, unknown>;
        sent.push(body);
        const text = request.postData() ?? '';
        const errors = [
          ...(text.includes('no site') ? [{ pointer: '/embed/sites/1', detail: '' }] : []),
          ...(text.includes('192.0.2.0/33') ? [{ pointer: '/filters/denyAddresses/1', detail: '' }] : []),
          ...(text.includes('Canada') ? [{ pointer: '/filters/allowCountries/1', detail: '' }] : []),
        ];
        if (errors.length > 0) return problem(422, 'invalid', { errors });
        // As the server writes it: the name alone.
        event = JSON.parse(JSON.stringify({ ...event, ...body }).replaceAll('https://', '')) as typeof event;
        event['link'] = 'https://webcast.delta.example/e/general-assembly';
        version++;
        return shown();
      },
    },
  };
}

test('an organizer copies the code for other sites, and lists those that may use it', async ({
  page,
  mesh,
}) => {
  const { answers, sent } = kept();
  const errors = await visit(page, mesh, here, answers);
  await expect(page.getByText('Any site may show this event.')).toBeVisible();
  await expect(
    page.getByText(
      '<iframe src="https://webcast.delta.example/embed/general-assembly" width="640" height="420" allow="autoplay; fullscreen; picture-in-picture" title="Assembly of &quot;Delta&quot; &amp; friends"></iframe>',
    ),
  ).toBeVisible();
  await expect(page.getByText('<freshet-player event="general-assembly"')).toBeVisible();
  await page.getByLabel('Which sites may show it').selectOption('Only these sites');
  const sites = page.getByLabel('Sites', { exact: true });
  await sites.fill('www.example.org\n\nno site\n');
  await page.getByRole('button', { name: 'Save the sites' }).click();
  await expect(page.getByText('No site: line 2. Write the name alone')).toBeVisible();
  await expect(sites).toBeFocused();
  await sites.fill('https://www.example.org, *.partner.example');
  await page.getByRole('button', { name: 'Save the sites' }).click();
  await expect(page.getByText('Saved')).toBeVisible();
  await expect(page.getByText('The sites of your list may show this event.')).toBeVisible();
  await expect(sites).toHaveValue('www.example.org\n*.partner.example');
  await page.getByLabel('Which sites may show it').selectOption('No other site');
  await page.getByRole('button', { name: 'Save the sites' }).click();
  await expect(page.getByText('No other site may show this event.')).toBeVisible();
  await expect(page.getByText('<iframe')).toBeHidden();
  expect(sent).toEqual([
    { embed: { where: 'listed', sites: ['www.example.org', 'no site'] } },
    { embed: { where: 'listed', sites: ['https://www.example.org', '*.partner.example'] } },
    { embed: { where: 'nowhere', sites: [] } },
  ]);
  expect(errors).toEqual([]);
});

test('who may not come is told so, and not why', async ({ page, mesh }) => {
  mesh.events.set('town-hall', {
    slug: 'town-hall',
    number: '123456789',
    link: `${mesh.url}/e/town-hall`,
    kind: 'webcast',
    title: 'Town hall',
    description: '',
    languages: [],
    startsAt: '2026-11-27T14:00:00Z',
    endsAt: null,
    timeZone: 'Europe/Paris',
    state: 'live',
    access: 'open',
    agenda: [],
    lobby: '',
  });
  const errors = await visit(page, mesh, '/e/town-hall', {
    'POST /events/town-hall/enter': problem(403, 'not-here', { title: 'Not open to you' }),
  });
  await page.getByLabel('Name').fill('Zoé');
  await page.getByLabel('Email').fill('zoe@other.example');
  await page.getByRole('button', { name: 'Watch' }).click();
  await expect(page.getByText('This event is not open to you here. Ask its organizer.')).toBeVisible();
  await expect(page.getByLabel('Email')).toHaveValue('zoe@other.example');
  expect(errors).toEqual([]);
});

test('an organizer says who may come, and which line is none', async ({ page, mesh }) => {
  const { answers, sent } = kept();
  const errors = await visit(page, mesh, `${here}/edit`, answers);
  await page.getByLabel('Not from these networks').fill('192.0.2.7\n192.0.2.0/33');
  await page.getByLabel('Only with these email domains').fill('example.org');
  const save = page.getByRole('button', { name: 'Save who may come' });
  await save.click();
  await expect(page.getByText('No network: line 2.')).toBeVisible();
  await expect(page.getByLabel('Only with these email domains')).toHaveValue('example.org');
  await page.getByLabel('Not from these networks').fill('192.0.2.7');
  await page.getByLabel('Only from these countries').fill('FR\nCanada');
  await save.click();
  await expect(page.getByText('No country: line 2.')).toBeVisible();
  await page.getByLabel('Only from these countries').fill('FR, CA');
  await save.click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  expect(sent.at(-1)).toEqual({
    filters: {
      ...nobody,
      denyAddresses: ['192.0.2.7'],
      allowCountries: ['FR', 'CA'],
      allowDomains: ['example.org'],
    },
  });
  expect(errors).toEqual([]);
});

test('an organizer says what the mails do not show', async ({ page, mesh }) => {
  const { answers, sent } = kept();
  const errors = await visit(page, mesh, `${here}/edit`, answers);
  const agenda = page.getByRole('group', { name: 'What they show' }).getByLabel('Agenda');
  await expect(agenda).toBeChecked();
  await agenda.uncheck();
  await page.getByRole('button', { name: 'Save the mails' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(agenda).not.toBeChecked();
  expect(sent).toEqual([{ mailHidden: ['agenda'] }]);
  expect(errors).toEqual([]);
});
