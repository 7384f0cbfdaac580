/** Who comes in to an event, through a mesh of its own: registered, by a personal link, by a password, directly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Browser, type Page, expect, test } from '@playwright/test';
import { expectAccessible, untilFrames, untilState, watchErrors } from '../page';
import { addStream, localTime, plan, setUp } from '../organizer';
import { Up } from '../up';

const desk = (up: Up) => ({ baseURL: up.url, locale: 'en-US', viewport: { width: 1280, height: 800 } });

async function opened(browser: Browser, up: Up): Promise<Page> {
  return (await browser.newContext(desk(up))).newPage();
}

/** Starts the event of the organizer's page, with something on the air. */
async function onAir(organizer: Page, whip: string, key: string): Promise<ChildProcess> {
  const button = (name: string) => organizer.getByRole('button', { name, exact: true });
  await organizer.getByRole('link', { name: 'Overview' }).click();
  await button('Prepare the event').click();
  await expect(button('Start the event')).toBeVisible();
  const publisher = spawn(process.env['FRESHET'] ?? '', ['publish', '--url', whip, '--key', key, '--loop'], {
    stdio: 'inherit',
  });
  await expect(organizer.getByText('Receiving')).toBeVisible({ timeout: 20_000 });
  await button('Start the event').click();
  await button('Start now').click();
  await expect(organizer.getByText('On the air', { exact: true })).toBeVisible();
  return publisher;
}

test(
  'guests register, come by their links, one place at a time',
  { tag: '@more' },
  async ({ browser }, info) => {
    test.setTimeout(240_000);
    const up = await Up.start();
    let publisher: ChildProcess | undefined;
    const organizer = await opened(browser, up);
    const [ana, phone] = [await opened(browser, up), await opened(browser, up)];
    try {
      const errors = [organizer, ana, phone].map(page => watchErrors(page, [/Failed to load resource/]));
      await setUp(organizer);
      const slug = await plan(organizer, 'Town hall');
      const keys = await addStream(organizer, 'Floor');
      const [whip = '', key = ''] = await keys.locator('code').allTextContents();
      await keys.getByRole('button', { name: 'I have copied it' }).click();

      await organizer.getByRole('link', { name: 'Access' }).click();
      await organizer.getByLabel('Who may watch').selectOption('registration');
      await organizer.getByRole('button', { name: 'Line of text' }).click();
      await organizer.getByLabel('Text of the field').fill('Where do you come from?');
      await organizer.getByLabel('Has to be answered').check();
      await organizer.getByRole('button', { name: 'Save access' }).click();
      await expect(organizer.getByText('Saved', { exact: true })).toBeVisible();

      await organizer.getByRole('link', { name: 'Guests' }).click();
      await expect(organizer.getByText('Nobody is on the list yet')).toBeVisible();

      await ana.goto(`/e/${slug}?lang=en`);
      await ana.getByRole('link', { name: 'Register' }).click();
      await ana.getByLabel('Name').fill('Ana Roy');
      await ana.getByLabel('Email').fill('ana.roy@delta.example');
      await ana.getByRole('button', { name: 'Register' }).click();
      await expect(ana.getByLabel('Where do you come from?')).toHaveAttribute('aria-invalid', 'true');
      await ana.getByLabel('Where do you come from?').fill('Trois-Rivières');
      await ana.getByRole('button', { name: 'Register' }).click();
      await expect(ana.getByText('We have sent your link to ana.roy@delta.example')).toBeVisible();

      await expect(organizer.getByText('Ana Roy')).toBeVisible(); // by itself
      await organizer.getByText('1 answer').click();
      await expect(organizer.getByText('Trois-Rivières')).toBeVisible();
      await organizer.getByRole('button', { name: 'Add guests' }).click();
      await organizer
        .getByLabel('Type or paste addresses')
        .fill('Leo <leo@delta.example>\nana.roy@delta.example\nnobody');
      await organizer.getByRole('button', { name: 'Add 3 guests' }).click();
      await expect(organizer.getByText('1 guest was added.')).toBeVisible();
      await expect(organizer.getByText('Line 3:')).toContainText('This is not an email address.');
      await organizer.getByRole('button', { name: 'Close' }).click();
      await expect(organizer.getByText('leo@delta.example')).toBeVisible();
      await expectAccessible(organizer);
      await organizer.screenshot({ path: info.outputPath('guests.png'), fullPage: true });

      await organizer.getByRole('link', { name: 'Edit', exact: true }).click();
      await organizer.getByLabel('Starts').fill(localTime(new Date(Date.now() + 60 * 60_000)));
      await organizer.getByRole('button', { name: 'Save event' }).click();
      await expect(organizer.getByText('Tell 2 guests of the change?')).toBeVisible();
      await organizer.getByRole('button', { name: 'Send the mail' }).click();
      await expect(organizer.getByText('2 mails are on their way.')).toBeVisible();

      await ana.goto('/dev/mail');
      await expect(ana.getByRole('link', { name: 'Changed: Town hall' })).toHaveCount(2);
      await ana
        .getByRole('link', { name: /Town hall/ })
        .last()
        .click();
      const link = await ana.getByRole('link', { name: /\/t\// }).first().getAttribute('href');
      await ana.goto(`${link ?? ''}?lang=en`);
      await expect(ana.getByText('Hello Ana Roy')).toBeVisible();
      await ana.getByRole('button', { name: 'Enter' }).click();
      await expect(ana.getByText('You are in, Ana Roy')).toBeVisible();

      publisher = await onAir(organizer, whip, key);
      await untilState(ana, 'playing', 10_000);
      await untilFrames(ana, 30);

      await phone.goto(`${link ?? ''}?lang=en`);
      await phone.getByRole('button', { name: 'Enter' }).click();
      await expect(phone.getByText('Your link is in use elsewhere')).toBeVisible();
      await phone.getByRole('button', { name: 'Watch here instead' }).click();
      await untilState(phone, 'playing', 10_000);
      await untilFrames(phone, 30);
      await untilFrames(ana, 5); // who watches goes on, and cannot come again
      await ana.reload();
      await expect(ana.getByText('Your link is in use elsewhere')).toBeVisible({ timeout: 20_000 });
      await ana.screenshot({ path: info.outputPath('elsewhere.png') });
      await expectAccessible(ana);
      expect(errors).toEqual([[], [], []]);
    } finally {
      publisher?.kill('SIGTERM');
      for (const page of [organizer, ana, phone]) await page.context().close();
      await up.stop();
    }
  },
);

test(
  'a password lets in who has it, and a direct link whoever has that',
  { tag: '@more' },
  async ({ browser }) => {
    test.setTimeout(180_000);
    const up = await Up.start();
    let publisher: ChildProcess | undefined;
    const organizer = await opened(browser, up);
    const [viewer, direct] = [await opened(browser, up), await opened(browser, up)];
    try {
      await setUp(organizer);
      const slug = await plan(organizer, 'Town hall');
      const keys = await addStream(organizer, 'Floor');
      const [whip = '', key = ''] = await keys.locator('code').allTextContents();
      await keys.getByRole('button', { name: 'I have copied it' }).click();
      await organizer.getByRole('link', { name: 'Access' }).click();
      await organizer.getByLabel('Who may watch').selectOption('password');
      await organizer.getByLabel('Password for viewers', { exact: true }).fill('delta2026');
      await organizer.getByRole('button', { name: 'Save access' }).click();
      await expect(organizer.getByText('Saved', { exact: true })).toBeVisible();
      await organizer.getByRole('button', { name: 'Make a direct link' }).click();
      const code = organizer.locator('code', { hasText: '?direct=' });
      const link = (await code.textContent()) ?? '';
      publisher = await onAir(organizer, whip, key);

      await viewer.goto(`/e/${slug}?lang=en`);
      await viewer.getByLabel('Name', { exact: true }).fill('Vera');
      await viewer.getByLabel('Email', { exact: true }).fill('vera@delta.example');
      await viewer.getByLabel('Password', { exact: true }).fill('wrong');
      await viewer.getByRole('button', { name: 'Watch' }).click();
      await expect(viewer.getByText('This is not the password of the event.')).toBeVisible();
      await viewer.getByLabel('Password', { exact: true }).fill('delta2026');
      await viewer.getByRole('button', { name: 'Watch' }).click();
      await untilState(viewer, 'playing', 10_000);
      await untilFrames(viewer, 30);
      await viewer.reload();
      await untilState(viewer, 'playing', 10_000);

      await direct.goto(link);
      await untilState(direct, 'playing', 10_000);
      await untilFrames(direct, 30);
    } finally {
      publisher?.kill('SIGTERM');
      for (const page of [organizer, viewer, direct]) await page.context().close();
      await up.stop();
    }
  },
);
