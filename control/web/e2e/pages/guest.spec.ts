/** How somebody becomes a guest of an event, comes as one, and stops mails. */
import { type Page, expect } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, untilState, watchErrors } from '../page';
import { put } from '../public';
import { type StandIn } from '../standin';
import { test } from '../states';

test.use({ timezoneId: 'America/Toronto' });

const hour = 3_600_000;
const answered = [
  /the server responded with a status of (401|404|409|422|429|503)/,
  /ERR_INTERNET_DISCONNECTED/,
];
const looks = [
  { language: 'en', width: 1280, colorScheme: 'light' },
  { language: 'fr', width: 360, colorScheme: 'dark' },
] as const;

const form = [
  { id: 'from', label: 'Where do you come from?', kind: 'text', options: [], required: true },
  {
    id: 'meal',
    label: 'What do you eat?',
    kind: 'choice',
    options: ['Everything', 'No meat'],
    required: false,
  },
  { id: 'news', label: 'Write to me about later events', kind: 'checkbox', options: [], required: false },
  {
    id: 'terms',
    label: 'I agree that Delta Conferences keeps my answers until three months after the event',
    kind: 'consent',
    options: [],
    required: true,
  },
];
const open = { access: 'registration', registration: 'open', form };

function passes(mesh: StandIn): void {
  put(mesh, 'scheduled', 51 * hour, { access: 'token' });
  mesh.guests.passes.set('ana-pass', { name: 'Ana', slug: 'town-hall', used: false });
}

const states: { name: string; path: string; set: (mesh: StandIn) => void; en: string; fr: string }[] = [
  {
    name: 'register',
    path: '/e/town-hall/register',
    set: mesh => {
      put(mesh, 'scheduled', 51 * hour, open);
    },
    en: 'Where do you come from?',
    fr: 'What do you eat? (facultatif)',
  },
  {
    name: 'register, waiting list',
    path: '/e/town-hall/register',
    set: mesh => {
      put(mesh, 'scheduled', 51 * hour, { ...open, registration: 'waiting-list' });
    },
    en: 'All places are taken.',
    fr: 'Toutes les places sont prises.',
  },
  {
    name: 'register again',
    path: '/e/town-hall/register?again',
    set: mesh => {
      put(mesh, 'scheduled', 51 * hour, open);
    },
    en: 'your link is sent there again',
    fr: 'votre lien y est renvoyé',
  },
  {
    name: 'register closed',
    path: '/e/town-hall/register',
    set: mesh => {
      put(mesh, 'scheduled', 51 * hour, { ...open, registration: 'closed' });
    },
    en: 'Registration is closed.',
    fr: 'Les inscriptions sont closes.',
  },
  {
    name: 'register nowhere',
    path: '/e/nowhere/register',
    set: () => undefined,
    en: 'There is no event at this address.',
    fr: 'Il n’y a pas d’événement',
  },
  { name: 'pass', path: '/t/ana-pass', set: passes, en: 'Hello Ana', fr: 'Bonjour Ana' },
  {
    name: 'pass unknown',
    path: '/t/old-pass',
    set: passes,
    en: 'This link leads nowhere',
    fr: 'Ce lien ne mène nulle part',
  },
  {
    name: 'unsubscribe',
    path: '/unsubscribe/some-token',
    set: () => undefined,
    en: 'Press, and Delta Conferences',
    fr: 'Appuyez, et Delta Conferences',
  },
  {
    name: 'unsubscribe dead',
    path: '/unsubscribe/dead',
    set: () => undefined,
    en: 'This link stops no mails.',
    fr: 'Ce lien n’arrête aucun courriel.',
  },
];

async function hold(page: Page, name: string, language: string, errors: string[]): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await expectNoSidewaysScroll(page);
  await page.screenshot({ path: `test-results/guest-${name}-${language}.png`, fullPage: true });
  await expectAccessible(page);
  expect(errors).toEqual([]);
}

for (const { name, path, set, ...texts } of states) {
  for (const { language, width, colorScheme } of looks) {
    test(`${name} in ${language} at ${width}, ${colorScheme}`, async ({ page, mesh }) => {
      set(mesh);
      const errors = watchErrors(page, answered);
      await page.setViewportSize({ width, height: 740 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(`${mesh.url}${path}${path.includes('?') ? '&' : '?'}lang=${language}`);
      await expect(page.getByText(texts[language]).first()).toBeVisible();
      await expect(page.locator('h1')).toHaveCount(1);
      await hold(page, name, language, errors);
      await page.setViewportSize({ width: 320, height: 740 });
      await expectNoSidewaysScroll(page);
    });
  }
}

test('somebody registers by keyboard, is told what is wrong, and has the link sent again', async ({
  page,
  mesh,
  context,
}) => {
  put(mesh, 'scheduled', 51 * hour, open);
  const errors = watchErrors(page, answered);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await page.getByRole('link', { name: 'Register' }).click();
  await expect(page).toHaveURL(/\/register/);
  await page.getByLabel('Name').focus();
  await page.keyboard.type('Ana Silva');
  await page.keyboard.press('Enter');
  await expect(page.getByText('3 entries need another look')).toBeVisible();
  await expect(page.getByLabel('Email')).toBeFocused();
  await expect(page.getByLabel(/^I agree/)).toHaveAttribute('aria-invalid', 'true');
  await hold(page, 'register-wrong', 'en', errors);

  await page.getByLabel('Email').fill('ana@delta.example');
  await page.getByLabel('Where do you come from?').fill('Trois-Rivières');
  await page.getByLabel('What do you eat?').selectOption('No meat');
  await page.getByLabel(/^I agree/).press('Space');
  await context.setOffline(true);
  await page.getByRole('button', { name: 'Register' }).click();
  await expect(page.getByText('You are offline. What you typed stays here')).toBeVisible();
  await context.setOffline(false);
  await page.reload();
  await expect(page.getByLabel('Where do you come from?')).toHaveValue('Trois-Rivières');
  await expect(page.getByLabel(/^I agree/)).toBeChecked();
  await page.getByRole('button', { name: 'Register' }).press('Enter');
  const sent = page.getByRole('heading', { name: 'We have sent your link to ana@delta.example' });
  await expect(sent).toBeFocused();
  await hold(page, 'register-sent', 'en', errors);
  await page.getByRole('button', { name: 'Send my link again' }).click();
  await expect(page.getByText('Sent again.')).toBeVisible();
  const registration = {
    name: 'Ana Silva',
    email: 'ana@delta.example',
    language: 'en',
    answers: { from: 'Trois-Rivières', meal: 'No meat', news: false, terms: true },
  };
  expect(mesh.guests.registrations).toEqual([registration, registration]);
  expect(await page.evaluate(() => sessionStorage.getItem('freshet-register:town-hall'))).toBeNull();
  expect(errors).toEqual([]);
});

test('who waits for a place is told so, and who comes too late, too', async ({ page, mesh }) => {
  put(mesh, 'scheduled', 51 * hour, { ...open, form: [], registration: 'waiting-list' });
  await page.goto(`${mesh.url}/e/town-hall/register?lang=en`);
  const fill = async () => {
    await page.getByLabel('Name').fill('Ana');
    await page.getByLabel('Email').fill('ana@delta.example');
    await page.getByRole('button', { name: 'Join the waiting list' }).click();
  };
  await fill();
  await expect(page.getByRole('heading', { name: 'You are on the waiting list' })).toBeVisible();
  await expectAccessible(page);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Join the waiting list' })).toBeVisible();
  put(mesh, 'scheduled', 51 * hour, { ...open, registration: 'closed' });
  await fill();
  await expect(page.getByText('Registration is closed.')).toBeVisible();
});

test('a personal link lets in with sound, without another load, and asks where it is in use elsewhere', async ({
  page,
  mesh,
}) => {
  passes(mesh);
  put(mesh, 'live', -60_000, { access: 'token' });
  const errors = watchErrors(page, answered);
  let loads = 0;
  page.on('domcontentloaded', () => loads++);
  mesh.guests.passes.set('ana-pass', { name: 'Ana', slug: 'town-hall', used: true });
  await page.goto(`${mesh.url}/t/ana-pass?lang=en`);
  await expect(page.getByText('Hello Ana')).toBeVisible();
  expect(mesh.guests.knocks).toEqual([]);
  await page.getByRole('button', { name: 'Enter' }).click();
  await expect(page.getByText('Your link is in use elsewhere')).toBeVisible();
  await hold(page, 'pass-elsewhere', 'en', errors);
  await page.getByRole('button', { name: 'Watch here instead' }).click();
  await untilState(page, 'playing');
  await expect(page).toHaveURL(`${mesh.url}/e/town-hall`);
  expect(await page.locator('freshet-player').evaluate((player: HTMLMediaElement) => player.muted)).toBe(
    false,
  );
  expect(mesh.guests.knocks).toEqual([
    { pass: 'ana-pass', language: 'en' },
    { pass: 'ana-pass', language: 'en', here: true },
  ]);
  expect(loads).toBe(1);

  // Taken back while it is used elsewhere: the door of the event says so, and lets it come back.
  mesh.guests.revoke();
  await page.reload();
  await expect(page.getByText('Your link is in use elsewhere')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Watch here instead' }).click();
  await untilState(page, 'playing');
  expect(errors).toEqual([]);
});

test('a personal link leads to the lobby before the start', async ({ page, mesh }) => {
  passes(mesh);
  await page.goto(`${mesh.url}/t/ana-pass?lang=en`);
  await page.getByRole('button', { name: 'Enter' }).click();
  await expect(page.getByText('You are in, Ana')).toBeVisible();
  await expect(page.getByText('Starts in')).toBeVisible();
  await expectAccessible(page);
});

test('mails are stopped by a press, not by opening the link', async ({ page, mesh }) => {
  await page.goto(`${mesh.url}/unsubscribe/some-token?lang=en`);
  await expect(page.getByRole('heading', { name: 'Stop these mails' })).toBeVisible();
  expect([...mesh.guests.unsubscribed]).toEqual([]);
  await page.getByRole('button', { name: 'Stop these mails' }).click();
  await expect(page.getByRole('heading', { name: 'These mails are stopped' })).toBeFocused();
  expect([...mesh.guests.unsubscribed]).toEqual(['some-token']);
  await page.screenshot({ path: 'test-results/guest-stopped.png' });
  await expectAccessible(page);
});
