/** What a visitor of an event sees before, at and after it, and the number that leads there. */
import { type Page, expect, test as base } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, untilFrames, untilState, watchErrors } from '../page';
import { StandIn } from '../standin';

const test = base.extend<{ mesh: StandIn }>({
  mesh: async ({ browser }, use) => {
    const mesh = await StandIn.start(browser);
    await use(mesh);
    await mesh.close();
  },
});
test.use({ timezoneId: 'America/Toronto' });

const minute = 60_000;
// The join of an event that is not live, and what is unknown; Chromium says so by itself.
const answered = [/the server responded with a status of (404|429)/];

/** Puts an event that starts in ms from now. */
function put(mesh: StandIn, state: string, ms: number, more: Record<string, unknown> = {}): void {
  const starts = Date.now() + ms;
  mesh.events.set('town-hall', {
    slug: 'town-hall',
    number: '123456789',
    link: `${mesh.url}/e/town-hall`,
    kind: 'webcast',
    title: 'Town hall: what the delta taught us this year',
    description: 'One hour on rivers, mud and patience.\n\nWith questions at the end.',
    languages: ['en', 'fr'],
    startsAt: new Date(starts).toISOString(),
    endsAt: new Date(starts + 60 * minute).toISOString(),
    timeZone: 'Europe/Paris',
    state,
    access: 'open',
    agenda: [
      { at: 0, title: 'Welcome', text: 'Ana Ferreira opens the hall.' },
      { at: 10, title: 'The year in figures' },
      { at: 45, title: 'Your questions', text: 'Send them at any time.' },
    ],
    lobby: 'Get a coffee. We begin on time, and the slides come by mail.',
    ...more,
  });
}

const looks = [
  { language: 'en', width: 1280, colorScheme: 'light' },
  { language: 'fr', width: 360, colorScheme: 'dark' },
] as const;
type Look = (typeof looks)[number];

async function open(page: Page, mesh: StandIn, path: string, look: Look): Promise<void> {
  await page.setViewportSize({ width: look.width, height: 740 });
  await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' });
  await page.goto(`${mesh.url}${path}?lang=${look.language}`);
}

async function hold(page: Page, name: string, look: Look, errors: string[]): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await expectNoSidewaysScroll(page);
  await page.screenshot({
    path: `test-results/visit-${name}-${look.language}-${look.width}-${look.colorScheme}.png`,
    fullPage: true,
  });
  await expectAccessible(page);
  expect(errors).toEqual([]);
}

const states = [
  { name: 'scheduled', state: 'scheduled', ms: 51 * 60 * minute, en: '2 days', fr: '2 jours' },
  { name: 'near', state: 'preparation', ms: 12 * minute, en: 'In preparation', fr: 'En préparation' },
  { name: 'late', state: 'scheduled', ms: -5 * minute, en: 'Starts late', fr: 'Commence en retard' },
  {
    name: 'ended',
    state: 'ended',
    ms: -90 * minute,
    en: 'Thank you for watching',
    fr: 'Merci d’avoir suivi',
  },
  {
    name: 'cancelled',
    state: 'cancelled',
    ms: 600 * minute,
    en: 'This event was cancelled',
    fr: 'Cet événement est annulé',
  },
] as const;

for (const { name, state, ms, ...texts } of states) {
  for (const look of looks) {
    test(`${name} in ${look.language} at ${look.width}, ${look.colorScheme}`, async ({ page, mesh }) => {
      put(mesh, state, ms);
      const errors = watchErrors(page, answered);
      await open(page, mesh, '/e/town-hall', look);
      await expect(page.getByText(texts[look.language]).first()).toBeVisible();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Town hall/);
      await expect(page).toHaveTitle(/^Town hall/);
      await expect(page.locator('freshet-player')).toBeHidden();
      await hold(page, name, look, errors);
    });
  }
}

test('a scheduled event tells both times, its agenda, and gives itself to a calendar', async ({
  page,
  mesh,
}) => {
  put(mesh, 'scheduled', 0, { startsAt: '2036-11-27T14:00:00Z', endsAt: '2036-11-27T15:30:00Z' });
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await expect(page.getByText(/^Thursday,? 27 November 2036, 15:00 to\s16:30/)).toBeVisible();
  await expect(page.getByText(/^Where you are: Thursday,? 27 November 2036, 09:00 to\s10:30/)).toBeVisible();
  await expect(page.getByRole('listitem').filter({ hasText: 'Your questions' })).toContainText('15:45');
  await expect(page.getByRole('link', { name: 'Add to calendar' })).toHaveAttribute(
    'href',
    '/api/v1/public/events/by-slug/town-hall/calendar',
  );
  await expect(page.getByText('English, French')).toBeVisible();
  await expect(page.getByText('123 456 789')).toBeVisible();
});

test('opens by itself when the event becomes live, and says when it is over', async ({ page, mesh }) => {
  put(mesh, 'preparation', 20_000);
  const errors = watchErrors(page, [...answered, /status of 409/]);
  let loads = 0;
  page.on('domcontentloaded', () => loads++);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await expect(page.getByText('The presenters are getting ready.')).toBeVisible();
  put(mesh, 'live', 20_000);
  const live = Date.now();
  await untilState(page, 'playing', 5000);
  expect(Date.now() - live).toBeLessThan(4500);
  await untilFrames(page, 5);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Town hall/);
  await expect(page.getByText('3 viewers')).toBeVisible();
  await expectAccessible(page);

  put(mesh, 'ended', 0);
  for (const edge of ['edge-1', 'edge-2', 'edge-3']) await mesh.kill(edge);
  for (const edge of ['edge-1', 'edge-2', 'edge-3']) mesh.moods.set(edge, 'absent');
  await expect(page.getByText('Thank you for watching')).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('freshet-player')).toBeHidden();
  expect(loads).toBe(1);
  expect(errors.filter(error => !error.includes('ERR_EMPTY_RESPONSE'))).toEqual([]);
});

test('a live event plays at once, and then has its title', async ({ page, mesh }) => {
  put(mesh, 'live', -minute);
  const errors = watchErrors(page);
  const asked: string[] = [];
  page.on('request', request => {
    if (request.url().includes('/api/')) asked.push(new URL(request.url()).pathname);
  });
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await untilState(page, 'playing');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Town hall/);
  expect(asked[0]).toBe('/api/v1/events/town-hall/join');
  expect(errors).toEqual([]);
});

test('an unknown address says so, and asks no more', async ({ page, mesh }) => {
  let asked = 0;
  page.on('request', request => {
    if (request.url().includes('/public/events/')) asked++;
  });
  await page.goto(`${mesh.url}/e/nowhere?lang=en`);
  await untilState(page, 'refused');
  await expect.poll(() => asked).toBe(1);
  await expect(page.locator('freshet-player')).toBeVisible();
  await page.waitForTimeout(3000);
  expect(asked).toBe(1);
});

for (const look of looks) {
  test(`/join in ${look.language} at ${look.width}, ${look.colorScheme}`, async ({ page, mesh }) => {
    const { en, fr } = {
      en: {
        field: 'Event number',
        join: 'Join',
        unknown: 'No event has this number.',
        short: 'These are 5 digits.',
      },
      fr: {
        field: 'Numéro de l’événement',
        join: 'Rejoindre',
        unknown: 'Aucun événement n’a ce numéro.',
        short: 'Il y a 5 chiffres.',
      },
    };
    const words = look.language === 'en' ? en : fr;
    put(mesh, 'scheduled', 60 * minute);
    const errors = watchErrors(page, answered);
    await open(page, mesh, '/join', look);
    const field = page.getByLabel(words.field);
    const button = page.getByRole('button', { name: words.join });
    await expect(field).toBeFocused();
    await hold(page, 'join', look, errors);

    await field.pressSequentially('12345');
    await expect(field).toHaveValue('123 45');
    await button.click();
    await expect(page.getByRole('alert')).toContainText(words.short);
    await expect(field).toHaveAttribute('aria-invalid', 'true');

    await field.fill('999-999-999');
    await button.click();
    await expect(page.getByRole('alert')).toContainText(words.unknown);
    await expect(field).toBeFocused();
    await hold(page, 'join-unknown', look, errors);

    await field.fill(' 123-456 789 ');
    await button.click();
    await expect(page).toHaveURL(`${mesh.url}/e/town-hall`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Town hall/);
    expect(errors).toEqual([]);
  });
}

test('after too many tries the button waits', async ({ page, mesh }) => {
  await page.route('**/by-number/*', route =>
    route.fulfill({
      status: 429,
      headers: { 'Retry-After': '2', 'Content-Type': 'application/problem+json' },
      body: JSON.stringify({ type: '/problems/too-many', title: 'Too many tries', status: 429 }),
    }),
  );
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto(`${mesh.url}/join?lang=en`);
  await page.getByLabel('Event number').fill('123456789');
  await page.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByRole('alert')).toContainText('Wait 2\u00a0s, then join again.');
  await expect(page.getByRole('button', { name: 'Wait 2' })).toBeVisible();
  await expectAccessible(page);
  await expect(page.getByRole('button', { name: 'Join' })).toBeVisible();
});

test('the home page leads to an event by its number', async ({ page, mesh }) => {
  put(mesh, 'scheduled', 60 * minute);
  await page.goto(`${mesh.url}/?lang=en`);
  await page.getByLabel('Event number').fill('123456789');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${mesh.url}/e/town-hall`);
});
