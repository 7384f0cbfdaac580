/** A stranger asks for a webcast; whoever runs the installation accepts; the event is there with its order form. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { expectAccessible, watchErrors } from '../page';
import { localTime, setUp } from '../organizer';
import { Up } from '../up';

const run = promisify(execFile);

test('a quote becomes the order form of an event', { tag: '@more' }, async ({ browser }) => {
  test.setTimeout(150_000); // control looks each 30 s for mails that another process has written
  const up = await Up.start();
  const desk = { baseURL: up.url, locale: 'en-US', viewport: { width: 1280, height: 800 } };
  const first = await (await browser.newContext(desk)).newPage();
  const page = await (await browser.newContext(desk)).newPage();
  try {
    await setUp(first);
    const errors = watchErrors(page, [/Failed to load resource/]);
    const field = (name: string) => page.getByLabel(name, { exact: true });
    await page.goto('/');
    await page.getByRole('link', { name: 'Ask for a quote' }).click();
    await field('Title of the event').fill('Spring meeting');
    await field('Starts').fill(localTime(new Date(Date.now() + 7 * 24 * 3_600_000)));
    await field('Viewers at most').fill('9,000');
    await page.getByRole('checkbox', { name: 'Polls' }).check();
    await field('Organization').fill('Lakeside');
    await field('Your name').fill('Eve Roy');
    await field('Email').fill('eve@lakeside.example');
    await page.getByRole('button', { name: 'Send the request' }).click();
    await expect(page.getByText('Your request has arrived')).toBeVisible();
    const number = (await page.locator('code').textContent()) ?? '';

    const { stdout } = await run(process.env['FRESHET'] ?? '', [
      ...['admin', 'quote', 'accept', '--data', up.data, '--output', 'json', number],
    ]);
    const { event, state } = JSON.parse(stdout) as { event: string; state: string };
    expect(state).toBe('accepted');

    const invited = /\/invite\/[\w-]+/;
    let link = '';
    await expect(async () => {
      const mails = (await (await page.request.get('/api/v1/dev/mails')).json()) as {
        id: string;
        subject: string;
      }[];
      const id = mails.find(({ subject }) => subject === 'Spring meeting is ordered')?.id ?? '';
      const mail = (await (await page.request.get(`/api/v1/dev/mails/${id}`)).json()) as { text: string };
      link = invited.exec(mail.text)?.[0] ?? '';
      expect(link).not.toBe('');
    }).toPass({ timeout: 60_000 });
    await page.goto(link);
    await field('New password').fill('snow melts in may');
    await page.getByRole('button', { name: 'Join Lakeside' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Calendar' })).toBeVisible(); // logged in
    await page.goto(`/events/${event}`);
    await page.getByRole('link', { name: 'Order', exact: true }).click();
    await expect(page.getByText('9,000')).toBeVisible();
    await expect(page.getByText('Questions by SMS')).toContainText('not ordered');
    await expectAccessible(page);
    expect(errors).toEqual([]);
  } finally {
    await first.context().close();
    await page.context().close();
    await up.stop();
  }
});
