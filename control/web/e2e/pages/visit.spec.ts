/** What a visitor of an event sees before, at and after it, and the number that leads there. */
import { type Page, expect, test as base } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, untilFrames, untilState, watchErrors } from '../page';
import { put } from '../public';
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
// What is refused on purpose, and what is unknown; Chromium says so by itself.
const answered = [/the server responded with a status of (401|404|409|422|429|503)/];

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
  { name: 'scheduled', state: 'scheduled', ms: 51 * 60 * minute, more: {}, en: '2 days', fr: '2 jours' },
  {
    name: 'near',
    state: 'preparation',
    ms: 12 * minute,
    more: {},
    en: 'In preparation',
    fr: 'En préparation',
  },
  {
    name: 'late',
    state: 'scheduled',
    ms: -5 * minute,
    more: {},
    en: 'Starts late',
    fr: 'Commence en retard',
  },
  {
    name: 'live, password',
    state: 'live',
    ms: -minute,
    more: { access: 'password' },
    en: 'On the air now',
    fr: 'En direct maintenant',
  },
  {
    name: 'invitation',
    state: 'live',
    ms: -minute,
    more: { access: 'token' },
    en: 'This event is by invitation',
    fr: 'Cet événement est sur invitation',
  },
  {
    name: 'registration',
    state: 'scheduled',
    ms: 600 * minute,
    more: { access: 'registration', registration: 'open' },
    en: 'Registration first',
    fr: 'Inscription d’abord',
  },
  {
    name: 'waiting list',
    state: 'scheduled',
    ms: 600 * minute,
    more: { access: 'registration', registration: 'waiting-list' },
    en: 'Join the waiting list',
    fr: 'Rejoindre la liste d’attente',
  },
  {
    name: 'ended',
    state: 'ended',
    ms: -90 * minute,
    more: {},
    en: 'Thank you for watching',
    fr: 'Merci d’avoir suivi',
  },
  {
    name: 'cancelled',
    state: 'cancelled',
    ms: 600 * minute,
    more: {},
    en: 'This event was cancelled',
    fr: 'Cet événement est annulé',
  },
] as const;

for (const { name, state, ms, more, ...texts } of states) {
  for (const look of looks) {
    test(`${name} in ${look.language} at ${look.width}, ${look.colorScheme}`, async ({ page, mesh }) => {
      put(mesh, state, ms, more);
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

const words = {
  en: {
    name: 'Name',
    email: 'Email',
    password: 'Password',
    watch: 'Watch',
    lobby: 'Enter the lobby',
    in: 'You are in, Ana',
  },
  fr: {
    name: 'Nom',
    email: 'Adresse électronique',
    password: 'Mot de passe',
    watch: 'Regarder',
    lobby: 'Entrer dans la salle d’attente',
    in: 'Vous y êtes, Ana',
  },
};

/** Goes through the door as Ana. */
async function comeIn(
  page: Page,
  language: 'en' | 'fr' = 'en',
  press: 'watch' | 'lobby' = 'lobby',
): Promise<void> {
  const w = words[language];
  await page.getByLabel(w.name, { exact: true }).fill('Ana');
  await page.getByLabel(w.email, { exact: true }).fill('ana@delta.example');
  await page.getByRole('button', { name: w[press] }).click();
}

for (const look of looks) {
  test(`lobby in ${look.language} at ${look.width}, ${look.colorScheme}`, async ({ page, mesh }) => {
    put(mesh, 'scheduled', 12 * minute);
    const errors = watchErrors(page, answered);
    await open(page, mesh, '/e/town-hall', look);
    await expect(page.getByText('Get a coffee')).toBeHidden();
    await comeIn(page, look.language);
    await expect(page.getByRole('heading', { name: words[look.language].in })).toBeFocused();
    await expect(page.getByText('Get a coffee')).toBeVisible();
    await page.getByRole('button', { name: /Test the sound|Tester le son/ }).click();
    await expect(page.getByText(/Three notes were played|Trois notes/)).toBeVisible();
    await hold(page, 'lobby', look, errors);
  });

  test(`wrong at the door in ${look.language} at ${look.width}, ${look.colorScheme}`, async ({
    page,
    mesh,
  }) => {
    put(mesh, 'live', -minute, { access: 'password' });
    const w = words[look.language];
    const errors = watchErrors(page, answered);
    await open(page, mesh, '/e/town-hall', look);
    await page.getByLabel(w.password, { exact: true }).fill('delta');
    await page.keyboard.press('Enter');
    await expect(page.getByLabel(w.name, { exact: true })).toBeFocused();
    await expect(page.getByRole('alert')).toContainText('2');
    await hold(page, 'door-wrong', look, errors);

    await page.getByLabel(w.password, { exact: true }).fill('not this');
    await comeIn(page, look.language, 'watch');
    await expect(page.getByLabel(w.password, { exact: true })).toBeFocused();
    await expect(page.getByLabel(w.password, { exact: true })).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByRole('alert')).toBeHidden();
    await page.getByLabel(w.password, { exact: true }).fill('delta');
    await page.keyboard.press('Enter');
    await untilState(page, 'playing');
    expect(errors).toEqual([]);
  });
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
  const errors = watchErrors(page, answered);
  let loads = 0;
  page.on('domcontentloaded', () => loads++);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await comeIn(page);
  await expect(page.getByText('The presenters are getting ready.')).toBeVisible();
  put(mesh, 'live', 20_000);
  const live = Date.now();
  await untilState(page, 'playing', 5000);
  expect(Date.now() - live).toBeLessThan(3500);
  await untilFrames(page, 5);
  await expect(page.locator('#main')).toBeFocused();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Town hall/);
  await expect(page.getByText('3 viewers')).toBeVisible();
  await expectAccessible(page);

  put(mesh, 'ended', 0);
  for (const edge of ['edge-1', 'edge-2', 'edge-3']) await mesh.kill(edge);
  for (const edge of ['edge-1', 'edge-2', 'edge-3']) mesh.moods.set(edge, 'absent');
  await expect(page.getByText('Thank you for watching')).toBeVisible({ timeout: 10_000 });
  await expect(page.locator('freshet-player')).toBeHidden();
  expect(loads).toBe(1);
  expect(errors.filter(error => !error.includes('ERR_EMPTY_RESPONSE'))).toEqual([]);
});

test('a press at the door of a live event plays it with sound, and who comes back needs no door', async ({
  page,
  mesh,
}) => {
  put(mesh, 'live', -minute);
  const errors = watchErrors(page, answered);
  const joins: (string | undefined)[] = [];
  page.on('request', request => {
    if (request.url().endsWith('/join')) joins.push(request.headers()['authorization']);
  });
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await page.getByLabel('Language you want to hear').selectOption('fr');
  await comeIn(page, 'en', 'watch');
  await untilState(page, 'playing');
  expect(await page.locator('freshet-player').evaluate((player: HTMLMediaElement) => player.muted)).toBe(
    false,
  );
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Town hall/);
  expect(mesh.guests.knocks).toEqual([{ name: 'Ana', email: 'ana@delta.example', language: 'fr' }]);
  expect(joins).toEqual(['Bearer token-1']);

  const asked: string[] = [];
  page.on('request', request => {
    if (request.url().includes('/api/')) asked.push(new URL(request.url()).pathname);
  });
  await page.reload();
  await untilState(page, 'playing');
  expect(asked[0]).toBe('/api/v1/events/town-hall/join');
  expect(joins).toEqual(['Bearer token-1', 'Bearer token-2']);
  expect(mesh.guests.knocks).toHaveLength(1);
  expect(errors).toEqual([]);
});

test('another event of the same tab knows the name', async ({ page, mesh }) => {
  put(mesh, 'scheduled', 60 * minute);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await comeIn(page);
  await expect(page.getByText('You are in, Ana')).toBeVisible();
  await page.evaluate(() => {
    sessionStorage.removeItem('freshet-stay:town-hall');
  });
  await page.reload();
  await expect(page.getByLabel('Email', { exact: true })).toHaveValue('ana@delta.example');
});

test('who waits has the token renewed', async ({ page, mesh }) => {
  put(mesh, 'preparation', 3_600_000);
  await page.clock.install();
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await comeIn(page);
  await expect(page.getByText('You are in, Ana')).toBeVisible();
  const second = page.waitForRequest(
    request => request.url().endsWith('/enter') && request.headers()['authorization'] === 'Bearer token-1',
  );
  await page.clock.fastForward(6 * minute);
  await second;
});

test('a direct link needs no door; one that is no longer valid says so', async ({ page, mesh }) => {
  put(mesh, 'live', -minute, { access: 'token' });
  await page.goto(`${mesh.url}/e/town-hall?lang=en&direct=old`);
  await expect(page.getByText('The direct link is no longer valid.')).toBeVisible();
  await expectAccessible(page);
  await page.goto(`${mesh.url}/e/town-hall?lang=en&direct=open-sesame`);
  await untilState(page, 'playing');
  expect(mesh.guests.knocks).toEqual([{ direct: 'old' }, { direct: 'open-sesame' }]);
});

test('what changes is shown without a reload, and what is typed stays', async ({ page, mesh }) => {
  put(mesh, 'scheduled', 600 * minute);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  const name = page.getByLabel('Name', { exact: true });
  await name.pressSequentially('An');
  put(mesh, 'scheduled', 600 * minute, {
    title: 'Town hall, moved',
    agenda: [{ at: 0, title: 'Only this' }],
  });
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Town hall, moved');
  await expect(page.getByText('Only this')).toBeVisible();
  await expect(name).toBeFocused();
  await page.keyboard.type('a');
  await expect(name).toHaveValue('Ana');
  put(mesh, 'live', 0, { title: 'Town hall, moved' });
  await expect(page.getByRole('heading', { name: 'On the air now' })).toBeVisible();
  await expect(name).toHaveValue('Ana');
  await expect(page.getByRole('button', { name: 'Watch' })).toBeVisible();
});

test('silence shows its age, and news that do not come through are asked for', async ({ page, mesh }) => {
  put(mesh, 'scheduled', 600 * minute);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  mesh.news = 'silent';
  await expect(page.getByText(/^What you see is [5-9] s old/)).toBeVisible({ timeout: 12_000 });
  await page.screenshot({ path: 'test-results/visit-stale.png' });
  await expectAccessible(page);
  mesh.news = 'well';
  await expect(page.getByText(/s old/)).toBeHidden();

  mesh.news = 'refused';
  await page.reload();
  put(mesh, 'scheduled', 30_000, { title: 'Town hall, moved' });
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Town hall, moved', { timeout: 20_000 });
});

test('a token that ran out in the lobby is had again without a word', async ({ page, mesh }) => {
  put(mesh, 'preparation', 20_000, { access: 'password' });
  mesh.guests.tokenMS = 500;
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await page.getByLabel('Password', { exact: true }).fill('delta');
  await comeIn(page);
  await expect(page.getByText('You are in, Ana')).toBeVisible();
  await page.waitForTimeout(600); // the token's time, which is what is tested
  mesh.guests.tokenMS = 60_000;
  put(mesh, 'live', 20_000, { access: 'password' });
  await untilState(page, 'playing', 5000);
  expect(mesh.guests.knocks).toHaveLength(2);
});

test('a token that was taken back leads to the door, which says so', async ({ page, mesh }) => {
  put(mesh, 'live', -minute);
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await comeIn(page, 'en', 'watch');
  await untilState(page, 'playing');
  mesh.guests.revoke();
  await page.reload();
  await expect(page.getByText('Your entry has run out. Come in again.')).toBeVisible();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Ana');
  await expectAccessible(page);
});

test('too many tries at the door wait', async ({ page, mesh }) => {
  put(mesh, 'live', -minute);
  mesh.guests.refuses = { status: 429, kind: 'too-many', headers: { 'Retry-After': '2' } };
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto(`${mesh.url}/e/town-hall?lang=en`);
  await comeIn(page, 'en', 'watch');
  await expect(page.getByRole('alert')).toContainText('Wait 2');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Watch' }).click();
  await untilState(page, 'playing');
});

test('an unknown address says so, and asks no more', async ({ page, mesh }) => {
  let asked = 0;
  page.on('request', request => {
    if (request.url().includes('/public/events/')) asked++;
  });
  await page.goto(`${mesh.url}/e/nowhere?lang=en`);
  await untilState(page, 'refused');
  expect(asked).toBe(1);
  await expect(page.locator('freshet-player')).toBeVisible();
  await page.waitForTimeout(3000); // longer than the 2.4 s after which a page asks again
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
