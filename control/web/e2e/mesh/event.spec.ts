/** A webcast from its plan to its end, through a mesh of its own: an organizer, a publisher, and somebody who waits. */
import { type ChildProcess, spawn } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { expectAccessible, untilFrames, untilState, watchErrors } from '../page';
import { Up } from '../up';

test('an event is planned, prepared, started, watched and ended', async ({ browser }, info) => {
  test.setTimeout(180_000);
  const up = await Up.start();
  let publisher: ChildProcess | undefined;
  const desk = { baseURL: up.url, locale: 'en-US', viewport: { width: 1280, height: 800 } };
  const organizer = await (await browser.newContext(desk)).newPage();
  const viewer = await (await browser.newContext(desk)).newPage();
  try {
    // The browser itself writes a line for each answer from 400 on: nobody is logged in, nothing is live yet.
    const errors = [organizer, viewer].map(page => watchErrors(page, [/Failed to load resource/]));
    const field = (name: string) => organizer.getByLabel(name, { exact: true });
    const button = (name: string) => organizer.getByRole('button', { name, exact: true });

    await organizer.goto('/setup');
    await field('Name of the account').fill('Delta Conferences');
    await field('Your name').fill('Ana Silva');
    await field('Email').fill('ana@delta.example');
    await field('Password').fill('snow melts in may');
    await button('Make the account').click();
    await expect(organizer.getByRole('heading', { level: 1, name: 'Calendar' })).toBeVisible();

    await organizer.getByRole('link', { name: 'New event' }).click();
    await field('Title').fill('Town hall');
    await field('Starts').fill(localTime(new Date(Date.now() + 30 * 60_000)));
    await button('Create the event').click();
    await expect(organizer.getByRole('heading', { level: 1, name: 'Town hall' })).toBeVisible();
    const slug = /\/e\/(town-hall-[a-z0-9]+)/.exec((await organizer.textContent('body')) ?? '')?.[1] ?? '';

    await button('Add a stream').click();
    await organizer.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Floor');
    await button('Add the stream').click();
    await expect(organizer.getByRole('heading', { name: 'Key of Floor' })).toBeVisible();
    const [whip, key] = await organizer.getByRole('alertdialog').locator('code').allTextContents();
    expect(whip).toMatch(/\/whip\/floor-[a-z0-9]{10}$/);
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    await button('I have copied it').click();

    await viewer.goto(`/e/${slug}?lang=en`);
    await expect(viewer.getByRole('heading', { level: 1, name: 'Town hall' })).toBeVisible();
    await expect(viewer.getByText('Starts in')).toBeVisible();
    await viewer.screenshot({ path: info.outputPath('lobby.png'), fullPage: true });
    await expectAccessible(viewer);

    await button('Prepare the event').click();
    await expect(button('Start the event')).toBeVisible();
    publisher = spawn(
      process.env['FRESHET'] ?? '',
      ['publish', '--url', whip ?? '', '--key', key ?? '', '--loop'],
      {
        stdio: 'inherit',
      },
    );
    await expect(organizer.getByText('Receiving')).toBeVisible({ timeout: 20_000 });
    await button('Start the event').click();
    await organizer.getByRole('alertdialog').getByRole('button', { name: 'Start the event' }).click();
    await expect(organizer.getByText('On the air', { exact: true })).toBeVisible();

    // Without a reload: the page that waits asks at most each 15 s, plus a fifth, half an hour before the start.
    await untilState(viewer, 'playing', 30_000);
    await untilFrames(viewer, 30);
    await expect(organizer.getByText('1 viewer')).toBeVisible({ timeout: 10_000 });
    await organizer.screenshot({ path: info.outputPath('live.png'), fullPage: true });
    await expectAccessible(organizer);

    await button('End the event').click();
    await organizer.getByRole('alertdialog').getByRole('button', { name: 'End the event' }).click();
    await expect(viewer.getByText('Thank you for watching')).toBeVisible({ timeout: 30_000 });
    expect(errors).toEqual([[], []]);
  } finally {
    publisher?.kill('SIGTERM');
    await organizer.context().close();
    await viewer.context().close();
    await up.stop();
  }
});

/** What a field for a day and a time takes: the browser's own time. */
function localTime(moment: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}
