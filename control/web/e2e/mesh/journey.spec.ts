/**
 * A webcast as those have it who have never seen Freshet: an account is made, an event planned, people invited, one
 * registers, both wait; the organizer goes live from the browser with its camera; they watch, and it ends.
 */
import { type Browser, type BrowserContext, type Page, expect, test } from '@playwright/test';
import { type Language, says } from '../catalogue';
import { localTime } from '../organizer';
import { expectAccessible, expectNoSidewaysScroll, untilFrames, untilState, watchErrors } from '../page';
import { Up } from '../up';

const all: { language: Language; width: number; height: number }[] = [
  { language: 'fr', width: 360, height: 740 },
  { language: 'en', width: 1280, height: 800 },
  { language: 'en', width: 360, height: 740 },
  { language: 'fr', width: 1280, height: 800 },
];
// CI plays the first.
const played = process.env['JOURNEYS'] === 'all' ? all : all.slice(0, 1);

for (const { language, width, height } of played) {
  test(`plan, invite, register, wait, watch, end: ${language}, ${width} px`, async ({ browser }, info) => {
    test.setTimeout(180_000);
    const up = await Up.start();
    const people = new People(browser, {
      baseURL: up.url,
      locale: language === 'fr' ? 'fr-CA' : 'en-US',
      viewport: { width, height },
      permissions: ['camera', 'microphone'],
    });
    const t = (key: string, values?: Record<string, string>) => says(language, 'account', key, values);
    const g = (key: string, values?: Record<string, string>) => says(language, 'guest', key, values);
    const v = (key: string, values?: Record<string, string>) => says(language, 'visit', key, values);
    const air = (key: string) => says(language, '', key);
    let looks = 0;
    const lookAt = async (page: Page, what: string) => {
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath(`${++looks}-${what}.png`), fullPage: true });
    };
    try {
      const desk = await people.comes();
      const field = (key: string) => desk.getByLabel(t(key), { exact: true });
      const press = (key: string) => desk.getByRole('button', { name: t(key), exact: true }).click();
      const tab = (key: string) => desk.getByRole('link', { name: t(key), exact: true }).click();

      await desk.goto('/');
      await desk.getByRole('link', { name: air('home.setUp.act'), exact: true }).click();
      await field('field.account').fill('Delta Conferences');
      await field('field.name').fill('Ana Silva');
      await field('field.email').fill('ana@delta.example');
      await field('field.password').fill('snow melts in may');
      await lookAt(desk, 'set-up');
      await press('setUp.act');

      await desk
        .getByRole('link', { name: t('newEvent.title') })
        .first()
        .click();
      await field('newEvent.name').fill('Town hall');
      await field('newEvent.start').fill(localTime(new Date(Date.now() + 30 * 60_000)));
      await lookAt(desk, 'new-event');
      await press('newEvent.act');
      await expect(desk.getByRole('heading', { level: 1, name: 'Town hall' })).toBeVisible();
      const slug = /\/e\/(town-hall-[a-z0-9]+)/.exec((await desk.textContent('body')) ?? '')?.[1] ?? '';
      await tab('event.access');
      await field('event.field.access').selectOption('registration');
      await lookAt(desk, 'access');
      await press('access.save');

      await tab('event.guests');
      await press('guests.add');
      await field('people.typed').fill('Leo Roy <leo@river.example>');
      await desk.getByRole('dialog').getByRole('button', { name: /1/ }).click();
      await expect(desk.getByText(/1 (guest was added|invité est ajouté)/)).toBeVisible();
      await desk.keyboard.press('Escape');
      await expect(desk.getByText('Leo Roy')).toBeVisible();
      await lookAt(desk, 'guests');

      // Leo was invited; Zoé registers. Each comes by the link in a mail.
      const leo = await people.comes();
      await people.byMail(leo, 'leo@river.example');
      await expect(leo.getByRole('button', { name: g('enter'), exact: true })).toBeVisible();
      await lookAt(leo, 'pass');
      await leo.getByRole('button', { name: g('enter'), exact: true }).click();
      await expect(leo.getByText(v('lobby.in.name', { name: 'Leo Roy' }))).toBeVisible();
      await expect(leo.locator('header.top')).toHaveText('Freshet', { useInnerText: true });
      await lookAt(leo, 'lobby');

      const zoe = await people.comes();
      await zoe.goto(`/e/${slug}`);
      await expect(zoe.getByRole('link', { name: v('door.register'), exact: true })).toBeVisible();
      await lookAt(zoe, 'event');
      await zoe.getByRole('link', { name: v('door.register'), exact: true }).click();
      await zoe.getByLabel(g('name'), { exact: true }).fill('Zoé Lefèvre');
      await zoe.getByLabel(g('email'), { exact: true }).fill('zoe@river.example');
      await lookAt(zoe, 'register');
      await zoe.getByRole('button', { name: g('act'), exact: true }).click();
      await expect(zoe.getByText(g('sent', { email: 'zoe@river.example' }))).toBeVisible();
      await people.byMail(zoe, 'zoe@river.example');
      await zoe.getByRole('button', { name: g('enter'), exact: true }).click();
      await expect(zoe.getByText(v('lobby.in.name', { name: 'Zoé Lefèvre' }))).toBeVisible();

      await tab('event.overview');
      await press('event.stream.add');
      await field('event.stream.name').fill('Floor');
      await press('event.stream.add.act');
      const key = await desk.getByRole('alertdialog').locator('code').nth(1).textContent();
      await desk.getByRole('alertdialog').getByRole('button').last().click();
      await press('event.step.prepare');
      const opened = people.first().waitForEvent('page');
      await desk.getByRole('link', { name: t('event.stream.browser') }).click();
      const studio = await opened;
      await studio.getByRole('button', { name: air('source.camera'), exact: true }).click();
      await expect(studio.getByText(air('checks.picture.ok'))).toBeVisible();
      expect(await studio.getByLabel(air('source.key'), { exact: true }).inputValue()).toBe(key);
      await studio.getByRole('button', { name: air('air.start'), exact: true }).click();
      await studio.getByRole('button', { name: air('air.startNow'), exact: true }).click();
      await expect(desk.getByText(t('event.air.ready'), { exact: true })).toBeVisible({ timeout: 20_000 });

      await press('event.step.start');
      await expect(
        desk.getByText(/^(Start for 2 waiting|Démarrer pour 2 personnes qui attendent)/),
      ).toBeVisible({ timeout: 10_000 });
      await lookAt(desk, 'start');
      await press('event.start.now');
      for (const viewer of [leo, zoe]) {
        await untilState(viewer, 'playing', 15_000);
        await untilFrames(viewer, 30);
      }
      await lookAt(leo, 'watch');
      await expect(desk.getByText('zoe@river.example')).toBeVisible({ timeout: 15_000 });
      await lookAt(desk, 'live');

      await press('event.step.end');
      await press('event.end.all');
      for (const viewer of [leo, zoe])
        await expect(viewer.getByText(v('ended'))).toBeVisible({ timeout: 15_000 });
      await lookAt(zoe, 'ended');
      expect(people.errors.flat()).toEqual([]);
    } finally {
      await people.leave();
      await up.stop();
    }
  });
}

/** Those who take part, each with a browser of their own. */
class People {
  readonly errors: string[][] = [];
  readonly #contexts: BrowserContext[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly options: Parameters<Browser['newContext']>[0],
  ) {}

  async comes(): Promise<Page> {
    const context = await this.browser.newContext(this.options);
    this.#contexts.push(context);
    return this.#watched(await context.newPage());
  }

  /** The browser of who came first. */
  first(): BrowserContext {
    const [first] = this.#contexts;
    if (!first) throw new Error('nobody has come');
    return first;
  }

  /** Follows the link in the last mail to an address. */
  async byMail(page: Page, to: string): Promise<void> {
    await expect
      .poll(
        async () => {
          await page.goto('/dev/mail');
          return page.getByText(to).count();
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    await page.getByRole('listitem').filter({ hasText: to }).first().getByRole('link').first().click();
    await page.getByRole('link', { name: /\/t\// }).first().click();
  }

  async leave(): Promise<void> {
    for (const context of this.#contexts) await context.close();
  }

  #watched(page: Page): Page {
    // The browser itself writes a line for each answer from 400 on.
    this.errors.push(watchErrors(page, [/Failed to load resource/]));
    return page;
  }
}
