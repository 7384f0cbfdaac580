/** Who is added to one event joins by the mail, and has that event alone. */
import { type Page, expect, test } from '@playwright/test';
import { plan, setUp } from '../organizer';
import { expectAccessible, watchErrors } from '../page';
import { Up } from '../up';

test(
  'a collaborator joins by the mail, chooses a password and sees one event',
  { tag: '@more' },
  async ({ browser }, info) => {
    const up = await Up.start();
    const context = () => browser.newContext({ baseURL: up.url, locale: 'en-US', reducedMotion: 'reduce' });
    const [organizer, leo] = [await (await context()).newPage(), await (await context()).newPage()];
    const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
    const calendar = { level: 1, name: 'Calendar' };
    try {
      const errors = [organizer, leo].map(page => watchErrors(page, [/Failed to load resource/]));
      await setUp(organizer);
      await plan(organizer, 'Board meeting');
      await organizer.getByRole('navigation').getByRole('link', { name: 'Calendar' }).click();
      await plan(organizer, 'Town hall');
      await organizer.getByRole('link', { name: 'Users', exact: true }).click();
      await button(organizer, 'Add a user').click();
      await organizer.getByLabel('Email', { exact: true }).fill('leo@delta.example');
      await organizer.getByLabel('Role in this event').selectOption('collaborator');
      await button(organizer, 'Send the invitation').click();
      await expect(organizer.getByText('An invitation is on its way to leo@delta.example')).toBeVisible();

      await leo.goto('/dev/mail');
      await leo.getByRole('link', { name: 'You are invited to work on Town hall' }).click();
      await leo.getByRole('link', { name: /\/invite\// }).click();
      await leo.getByLabel('Your name', { exact: true }).fill('Leo Roy');
      await leo.getByLabel('New password', { exact: true }).fill('ice thins in april');
      await button(leo, 'Join Delta Conferences').click();
      await expect(leo.getByRole('heading', calendar)).toBeVisible();
      await expect(leo.getByText('Town hall').first()).toBeVisible(); // what comes next, and the day's list
      await expect(leo.getByText('Board meeting')).toHaveCount(0);
      await expectAccessible(leo);
      await leo.screenshot({ path: info.outputPath('calendar.png'), fullPage: true });
      await leo.getByRole('link', { name: 'Town hall' }).first().click();
      await expect(leo.getByRole('heading', { level: 1, name: 'Town hall' })).toBeVisible();
      await expect(leo.getByRole('link', { name: 'Guests' })).toBeVisible();
      await expect(leo.getByRole('link', { name: 'Users' })).toHaveCount(0);

      // The password lets them in again; the owner has both events.
      await button(leo, 'Leo Roy').click();
      await leo.getByRole('menuitem', { name: 'Log out' }).click();
      await leo.getByRole('link', { name: 'Use a password instead' }).click();
      await leo.getByLabel('Email', { exact: true }).fill('leo@delta.example');
      await leo.getByLabel('Password', { exact: true }).fill('ice thins in april');
      await leo.keyboard.press('Enter');
      await expect(leo.getByRole('heading', calendar)).toBeVisible();
      await organizer.reload();
      await expect(organizer.getByText('Leo Roy')).toBeVisible();
      await organizer.getByRole('navigation').getByRole('link', { name: 'Calendar' }).click();
      await expect(organizer.getByText('Board meeting').first()).toBeVisible();
      await expect(organizer.getByText('Town hall').first()).toBeVisible();
      expect(errors).toEqual([[], []]);
    } finally {
      for (const page of [organizer, leo]) await page.context().close();
      await up.stop();
    }
  },
);
