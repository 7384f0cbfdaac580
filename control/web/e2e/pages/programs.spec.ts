/** Settings of what programs do with an account: keys of the API and webhooks. */
import { expect } from '@playwright/test';
import { type Answers, anaAs, hookID, keys, problem, webhooks } from '../answers';
import { expectAccessible } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const me: Answers = { 'GET /me': anaAs('owner') };
const one = `/settings/webhooks/${hookID}`;

const states: State[] = [
  {
    name: 'keys',
    path: '/settings/api-keys',
    answers: { ...me, 'GET /keys': keys },
    en: 'Reads and writes',
    fr: 'Lire et écrire',
  },
  {
    name: 'keys empty',
    path: '/settings/api-keys',
    answers: { ...me, 'GET /keys': { body: [] } },
    en: 'There is no key',
    fr: "Il n'y a pas de clé",
  },
  {
    name: 'keys refused',
    path: '/settings/api-keys',
    answers: { 'GET /me': anaAs('organizer') },
    en: 'This needs the role owner',
    fr: 'Il faut pour cela le rôle propriétaire',
  },
  {
    name: 'webhooks',
    path: '/settings/webhooks',
    answers: { ...me, ...webhooks },
    en: 'No message yet',
    fr: 'Pas encore de message',
  },
  {
    name: 'webhooks failed',
    path: '/settings/webhooks',
    answers: { ...me, 'GET /webhooks': problem(500, 'internal', { instance: '/problems/log/8' }) },
    en: 'Try again',
    fr: 'Réessayer',
  },
  {
    name: 'webhook',
    path: one,
    answers: { ...me, ...webhooks },
    en: 'Older deliveries',
    fr: 'Envois plus anciens',
  },
  {
    name: 'webhook none',
    path: one,
    answers: { ...me, [`GET /webhooks/${hookID}`]: problem(404, 'not-found') },
    en: 'There is nothing at this address',
    fr: "Il n'y a rien à cette adresse",
  },
];

lookAtEach(states, new Date('2026-11-26T19:05:00Z'));

test('a key is made, shown once and revoked by keyboard', async ({ page, mesh, context }, info) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  let all = [...(keys.body as { name: string }[])];
  let asked: unknown;
  const errors = await visit(page, mesh, '/settings/api-keys', {
    ...me,
    'GET /keys': () => ({ body: all }),
    'POST /keys': request => {
      asked = request.postDataJSON();
      if ((asked as { name: string }).name === '')
        return problem(422, 'invalid', { errors: [{ pointer: '/name', detail: 'short' }] });
      const made = { ...all[0], id: '0198a000-0000-7000-8000-000000000303', name: 'Planner' };
      all = [made, ...all];
      return { status: 201, body: { ...made, key: 'fk_7Qm2xT_made_up_for_this_journey_0123456789abcdef' } };
    },
    'DELETE /keys/0198a000-0000-7000-8000-000000000303': () => {
      all = all.slice(1);
      return { status: 204 };
    },
  });
  await page.getByRole('button', { name: 'New key' }).press('Enter');
  const form = page.getByRole('dialog');
  await form.getByRole('button', { name: 'Make the key' }).press('Enter');
  await expect(form.getByText('This is needed.')).toBeVisible();
  await page.keyboard.type('Planner');
  await form.getByLabel('What it may').selectOption('Reads and writes');
  await form.getByLabel('End (optional)').fill('2030-01-02T10:00');
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath('key form.png') });
  await form.getByRole('button', { name: 'Make the key' }).press('Enter');
  const shown = page.getByRole('alertdialog', { name: 'The key Planner' });
  expect(asked).toEqual({ name: 'Planner', scopes: ['write'], expiresAt: '2030-01-02T09:00:00.000Z' });
  await shown.getByRole('button', { name: 'Copy: key' }).press('Enter');
  await expect(shown.getByText('Copied')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^fk_7Qm2xT_made_up/);
  await page.setViewportSize({ width: 360, height: 740 });
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath('key once.png') });
  await shown.getByRole('button', { name: 'I have kept it' }).press('Enter');
  await expect(page.getByText('made_up')).toHaveCount(0);
  await page.getByRole('button', { name: 'Revoke: Planner' }).press('Enter');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke the key' }).press('Enter');
  await expect(page.getByText('Planner')).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('a webhook is made, its secret shown once, and its page is there', async ({ page, mesh }, info) => {
  const { body: hook } = webhooks[`GET /webhooks/${hookID}`] as { body: { id: string } };
  let asked: unknown;
  const errors = await visit(page, mesh, '/settings/webhooks', {
    ...me,
    ...webhooks,
    'POST /webhooks': request => {
      asked = request.postDataJSON();
      return { status: 201, body: { ...hook, secret: 'whsec_bWFkZSB1cCBmb3IgdGhpcyBqb3VybmV5' } };
    },
  });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('button', { name: 'New webhook' }).press('Enter');
  const form = page.getByRole('dialog');
  await form.getByLabel('Address').fill('https://crm.delta.example/in');
  for (const name of ['Event created', 'Event changed', 'Event deleted'])
    await form.getByLabel(name).uncheck();
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath('webhook form.png') });
  await form.getByRole('button', { name: 'Make the webhook' }).press('Enter');
  const shown = page.getByRole('alertdialog');
  await expect(shown.getByText('whsec_')).toBeVisible();
  expect(asked).toEqual({
    url: 'https://crm.delta.example/in',
    kinds: ['event.started', 'event.ended', 'event.cancelled', 'guest.registered', 'viewer.entered'],
  });
  await page.screenshot({ path: info.outputPath('webhook once.png') });
  await shown.getByRole('button', { name: 'I have kept it' }).press('Enter');
  await expect(page.getByRole('heading', { name: /hooks\.of/ })).toBeVisible();
  expect(errors).toEqual([]);
});

test('older deliveries come behind the newer ones', async ({ page, mesh }) => {
  const errors = await visit(page, mesh, one, { ...me, ...webhooks });
  await page.getByRole('button', { name: 'Older deliveries' }).press('Enter');
  await expect(page.getByRole('region', { name: 'Deliveries' }).getByRole('listitem')).toHaveCount(4);
  await page.getByText('Details').last().click();
  await expect(page.getByText('The webhook was switched off.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Older deliveries' })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test("somebody else's change of a webhook is not written over unasked", async ({ page, mesh }) => {
  const { body: hook } = webhooks[`GET /webhooks/${hookID}`] as { body: { id: string } };
  let version = 4;
  const matches: (string | undefined)[] = [];
  await visit(page, mesh, one, {
    ...me,
    ...webhooks,
    [`GET /webhooks/${hookID}`]: () => ({ body: hook, headers: { ETag: `"${String(version)}"` } }),
    [`PATCH /webhooks/${hookID}`]: request => {
      const match = request.headers()['if-match'];
      matches.push(match);
      return match === `"${String(version)}"` ? { body: hook } : problem(412, 'changed');
    },
  });
  await page.getByRole('button', { name: 'Change the webhook' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Address').fill('https://other.delta.example/');
  version = 5;
  await form.getByRole('button', { name: 'Save webhook' }).click();
  await expect(form.getByRole('alert')).toContainText('Somebody has changed this webhook meanwhile');
  await expect(form.getByLabel('Address')).toHaveValue('https://other.delta.example/');
  await form.getByRole('button', { name: 'Save webhook' }).click();
  await expect(form).toBeHidden();
  expect(matches).toEqual(['"4"', '"5"']);
});

test('a webhook is tested, given another secret, switched off and deleted', async ({ page, mesh }) => {
  const { body: hook } = webhooks[`GET /webhooks/${hookID}`] as { body: { id: string } };
  const done: string[] = [];
  let off = false;
  const at = `/webhooks/${hookID}`;
  const errors = await visit(page, mesh, one, {
    ...me,
    ...webhooks,
    [`GET ${at}`]: () => ({
      body: off ? { ...hook, offAt: '2026-11-26T19:00:00Z', nextAt: null } : hook,
      headers: { ETag: '"4"' },
    }),
    [`POST ${at}/test`]: () => {
      done.push('test');
      return { status: 202, body: { id: hookID } };
    },
    [`POST ${at}/secret`]: () => {
      done.push('secret');
      return { body: { secret: 'whsec_bWFkZSB1cA==' } };
    },
    [`PATCH ${at}`]: request => {
      done.push(request.postData() ?? '');
      off = true;
      return { body: hook };
    },
    [`DELETE ${at}`]: () => {
      done.push('delete');
      return { status: 204 };
    },
  });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const ask = page.getByRole('alertdialog');
  await button('Send a test').press('Enter');
  await expect.poll(() => done).toEqual(['test']);
  await button('Renew the secret').press('Enter');
  await ask.getByRole('button', { name: 'Renew the secret' }).press('Enter');
  await expect(ask.getByText('whsec_bWFkZSB1cA==')).toBeVisible();
  await ask.getByRole('button', { name: 'I have kept it' }).press('Enter');
  await button('Switch off').press('Enter');
  await ask.getByRole('button', { name: 'Switch off' }).press('Enter');
  await expect(button('Switch on')).toBeVisible();
  await expect(button('Send a test')).toBeDisabled();
  await button('Delete').press('Enter');
  await ask.getByRole('button', { name: 'Delete the webhook' }).press('Enter');
  await expect(page.getByRole('heading', { name: 'Webhooks' })).toBeVisible();
  expect(done).toEqual(['test', 'secret', '{"on":false}', 'delete']);
  expect(errors).toEqual([]);
});
