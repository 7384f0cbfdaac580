/** Each page, in both languages, wide and narrow, light and dark: readable, reachable, and quiet. */
import { expect, test as base } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, noEvent, untilState, watchErrors, looksOf } from '../page';
import { StandIn } from '../standin';

const test = base.extend<{ mesh: StandIn }>({
  mesh: async ({ browser }, use) => {
    const mesh = await StandIn.start(browser);
    await use(mesh);
    await mesh.close();
  },
});

const pages = [
  { path: '/', plays: true, more: true, en: 'This mesh is running', fr: 'Ce maillage est en marche' },
  { path: '/e/sample', plays: true, more: false, en: 'Copy the link', fr: 'Copier le lien' },
  { path: '/embed/sample', plays: true, more: true, en: 'Turn on sound', fr: 'Activer le son' },
  {
    path: '/live/sample',
    plays: false,
    more: false,
    en: 'Go live on sample',
    fr: 'Passer en direct sur sample',
  },
];

for (const [i, { path, plays, more, en, fr }] of pages.entries()) {
  for (const [language, text, width, colorScheme] of looksOf(i, [
    ['en', en, 1280, 'light'],
    ['fr', fr, 1280, 'dark'],
    ['en', en, 360, 'dark'],
    ['fr', fr, 360, 'light'],
    ['fr', fr, 320, 'light'],
  ] as const)) {
    test(
      `${path} in ${language} at ${width}, ${colorScheme}`,
      { tag: more ? '@more' : [] },
      async ({ page, mesh }) => {
        const errors = watchErrors(page, path === '/e/sample' ? noEvent : []);
        await page.setViewportSize({ width, height: 740 });
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.goto(`${mesh.url}${path}?lang=${language}`);
        if (plays) await untilState(page, 'playing');
        await expect(page.getByText(text).first()).toBeVisible();
        await expect(page.locator('html')).toHaveAttribute('lang', language);
        await expect(page.locator('h1')).toHaveCount(1);
        await page.evaluate(() => document.fonts.ready);
        await expectNoSidewaysScroll(page);
        await expectAccessible(page);
        expect(errors).toEqual([]);
      },
    );
  }
}

test('no font is loaded before the first frame', { tag: '@more' }, async ({ page, mesh }) => {
  const loaded: string[] = [];
  page.on('request', request => {
    if (request.resourceType() === 'font') loaded.push('font');
  });
  await page.exposeFunction('painted', () => loaded.push('picture'));
  await page.addInitScript(() => {
    // The page waits 2.5 s for a picture; here, however slow the machine, one comes.
    const wait = globalThis.setTimeout;
    Object.assign(globalThis, {
      setTimeout: (then: () => void, ms?: number) => (ms === 2500 ? 0 : wait(then, ms)),
    });
    addEventListener('freshet-picture', () => {
      (globalThis as unknown as { painted: () => void }).painted();
    });
  });
  await page.goto(`${mesh.url}/e/sample`);
  await expect.poll(() => loaded).toContain('font');
  expect(loaded[0]).toBe('picture');
});

test('the watch page does not shift', { tag: '@more' }, async ({ page, mesh }) => {
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(globalThis, { shifts });
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(`${mesh.url}/e/sample`);
  await untilState(page, 'playing');
  await page.evaluate(() => document.fonts.ready);
  await expect(page.getByText('3 viewers')).toBeVisible();
  const shift = await page.evaluate(() =>
    (globalThis as unknown as { shifts: number[] }).shifts.reduce((sum, value) => sum + value, 0),
  );
  expect(shift).toBeLessThan(0.02);
});

test('language and theme are chosen on the page and kept', async ({ page, mesh }) => {
  await page.goto(`${mesh.url}/live/sample?lang=en`);
  await page.getByLabel('Language').selectOption('fr');
  await expect(page.locator('h1')).toHaveText('Passer en direct sur sample');
  await page.goto(`${mesh.url}/live/sample`);
  await expect(page.locator('h1')).toHaveText('Passer en direct sur sample');
  await page.getByLabel('Thème').selectOption('dark');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.reload();
  expect(await ground()).toBe(dark);
  await page.getByLabel('Thème').selectOption('light');
  expect(await ground()).not.toBe(dark);
});

test('figures that no longer come are dimmed with their age', { tag: '@more' }, async ({ page, mesh }) => {
  await page.goto(`${mesh.url}/?lang=en`);
  await expect(page.getByText('3 viewers')).toBeVisible();
  await page.route('**/api/v1/streams', route => route.abort());
  await expect(page.getByText(/These figures are \d+ s old/)).toBeVisible({ timeout: 12_000 });
});

test('going live takes two acts, and a refused key says what to do', async ({ page, mesh }) => {
  await page.route('**/whip/sample', route =>
    route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: '{"type":"/problems/key-wrong","title":"Stream key wrong","status":401,"instance":"/problems/log/7"}',
    }),
  );
  await page.goto(`${mesh.url}/live/sample?lang=en#key=wrong`);
  expect(page.url()).not.toContain('key');
  const start = page.getByRole('button', { name: 'Start the stream' });
  await expect(start).toBeDisabled();
  await page.getByRole('button', { name: 'Camera' }).click();
  await expect(page.getByText('Picture is there')).toBeVisible();
  await expect(page.getByText('Sound was heard')).toBeVisible();
  await expectAccessible(page);
  await start.click();
  await expect(page.getByText('Start for 3 people waiting?')).toBeVisible();
  await page.getByRole('button', { name: 'Not yet' }).click();
  await start.dblclick(); // the second press lands on Not yet
  await expect(start).toBeVisible();
  await start.click();
  await page.getByRole('button', { name: 'Start now' }).click();
  await expect(page.getByRole('alert')).toContainText('The stream key is not valid for this stream.');
  await expect(start).toBeEnabled();
  await expectAccessible(page);
});

test('of two sources asked for at once one stays on', async ({ page, mesh }) => {
  await page.addInitScript(() => {
    const taken: MediaStream[] = [];
    Object.assign(globalThis, { taken });
    const devices = navigator.mediaDevices;
    const take = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async constraints => {
      const stream = await take(constraints);
      taken.push(stream);
      return stream;
    };
  });
  await page.goto(`${mesh.url}/live/sample?lang=en`);
  await page.evaluate(() => {
    const button = document.querySelector<HTMLButtonElement>('[data-kind=camera]');
    button?.click();
    button?.click();
  });
  await expect(page.getByText('Picture is there')).toBeVisible();
  const on = () =>
    page.evaluate(() =>
      (globalThis as unknown as { taken: MediaStream[] }).taken.map(stream => stream.active),
    );
  await expect.poll(async () => (await on()).length).toBe(2);
  await expect.poll(async () => (await on()).filter(active => active).length).toBe(1);
});

test('without a clipboard a button says what to do', { tag: '@more' }, async ({ page, mesh }) => {
  const errors = watchErrors(page, noEvent);
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined }); // as in a page without TLS
  });
  await page.goto(`${mesh.url}/e/sample?lang=en`);
  await page.getByRole('button', { name: 'Copy the link' }).click();
  await expect(page.getByRole('button', { name: 'Select and copy it by hand' })).toBeVisible();
  expect(errors).toEqual([]);
});
