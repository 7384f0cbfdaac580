/**
 * A webcast from its plan to its end, through a mesh of its own: an organizer, a publisher that is a program, and
 * somebody who waits. What it takes to publish is offered three ways; journey.spec.ts goes live from the browser.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { expectAccessible, untilFrames, untilState, watchErrors } from '../page';
import { addStream, plan, setUp } from '../organizer';
import { Up } from '../up';

test(
  'an event is planned, prepared, started, watched and ended',
  { tag: '@more' },
  async ({ browser }, info) => {
    test.setTimeout(180_000);
    const up = await Up.start();
    let publisher: ChildProcess | undefined;
    const desk = { baseURL: up.url, locale: 'en-US', viewport: { width: 1280, height: 800 } };
    const office = await browser.newContext({ ...desk, permissions: ['clipboard-read', 'clipboard-write'] });
    const organizer = await office.newPage();
    const viewer = await (await browser.newContext(desk)).newPage();
    try {
      // The browser itself writes a line for each answer from 400 on: nobody is logged in, nothing is live yet.
      const errors = [organizer, viewer].map(page => watchErrors(page, [/Failed to load resource/]));
      const button = (name: string) => organizer.getByRole('button', { name, exact: true });

      await setUp(organizer);
      const slug = await plan(organizer, 'Town hall');
      const keys = await addStream(organizer, 'Floor');
      const [whip = '', key = ''] = await keys.locator('code').allTextContents();
      expect(whip).toMatch(/\/whip\/floor-[a-z0-9]{10}$/);
      expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
      await keys.getByRole('button', { name: 'Copy OBS settings' }).click();
      await expect(keys.getByText('Copied', { exact: true })).toBeVisible();
      expect(await organizer.evaluate(() => navigator.clipboard.readText())).toBe(
        `Service: WHIP\nServer: ${whip}\nBearer token: ${key}`,
      );
      await expectAccessible(organizer);
      await organizer.screenshot({ path: info.outputPath('key.png') });
      const offered = keys.getByRole('link', { name: 'Go live from this browser' });
      await expect(offered).toHaveAttribute('href', new RegExp(`^/live/floor-[a-z0-9]+#key=${key}$`));
      await button('I have copied it').click();

      await viewer.goto(`/e/${slug}?lang=en`);
      await expect(viewer.getByRole('heading', { level: 1, name: 'Town hall' })).toBeVisible();
      await viewer.getByLabel('Name', { exact: true }).fill('Bob');
      await viewer.getByLabel('Email', { exact: true }).fill('bob@delta.example');
      await viewer.getByRole('button', { name: 'Enter the lobby' }).click();
      await expect(viewer.getByText('Starts in')).toBeVisible();
      await viewer.screenshot({ path: info.outputPath('lobby.png'), fullPage: true });
      await expectAccessible(viewer);

      await button('Prepare the event').click();
      await expect(organizer.getByText('Nothing comes in')).toBeVisible();
      await expect(button('Start the event')).toBeVisible();

      const opened = office.waitForEvent('page');
      const goLive = organizer.getByRole('link', { name: 'Go live from this browser' });
      await goLive.click();
      const studio = await opened;
      await expect(studio.getByText('Stream key is filled in')).toBeVisible();
      expect(new URL(studio.url()).hash).toBe(''); // taken out of the address at once
      await studio.close();

      publisher = spawn(process.env['FRESHET'] ?? '', ['publish', '--url', whip, `--key=${key}`, '--loop'], {
        stdio: 'inherit',
      });
      await expect(organizer.getByText('Receiving')).toBeVisible({ timeout: 20_000 });
      await button('Start the event').click();
      await button('Start now').click();
      await expect(organizer.getByText('On the air', { exact: true })).toBeVisible();

      // Without a reload, told by the stream of news and spread over a second.
      await untilState(viewer, 'playing', 10_000);
      await untilFrames(viewer, 30);
      await expect(organizer.getByText('1 viewer')).toBeVisible({ timeout: 10_000 });
      await expect(organizer.getByRole('heading', { name: 'Here now: 1 person' })).toBeVisible();
      await expect(organizer.getByText('bob@delta.example')).toBeVisible();
      await organizer.screenshot({ path: info.outputPath('live.png'), fullPage: true });
      await expectAccessible(organizer);

      // Loaded again the page knows no key, and the page that sends asks for it.
      await organizer.reload();
      await expect(goLive).toHaveAttribute('href', /^\/live\/floor-[a-z0-9]+$/);

      await button('End the event').click();
      await button('End for all').click();
      await expect(viewer.getByText('Thank you for watching')).toBeVisible({ timeout: 30_000 });
      expect(errors).toEqual([[], []]);
    } finally {
      publisher?.kill('SIGTERM');
      await office.close();
      await viewer.context().close();
      await up.stop();
    }
  },
);
