/** Guests come on the list in three ways: pasted, from a file, from the address book. It is one list, and one mail each. */
import { type Page, expect, test } from '@playwright/test';
import { plan, setUp } from '../organizer';
import { expectAccessible, watchErrors } from '../page';
import { Up } from '../up';

const csv = (lines: string) => ({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(lines) });

test(
  'an organizer makes a group, and invites in three ways: one list, no double mails',
  { tag: '@more' },
  async ({ browser }, info) => {
    test.setTimeout(180_000);
    const up = await Up.start();
    const context = await browser.newContext({ baseURL: up.url, locale: 'en-US', reducedMotion: 'reduce' });
    const page = await context.newPage();
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const dialog = page.getByRole('dialog');
    const reports = async (text: string) => {
      await expect(dialog.getByText(text)).toBeVisible();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await expect(dialog).toHaveCount(0);
    };
    try {
      const errors = watchErrors(page, [/Failed to load resource/]);
      await setUp(page);

      // The address book: a group, two contacts by hand, two from a file, one of them twice.
      await page.getByRole('navigation').getByRole('link', { name: 'Contacts' }).click();
      await expect(page.getByText('The address book is empty')).toBeVisible();
      await button('New group').click();
      await page.getByLabel('Name of the group').fill('Press');
      await button('Make the group').click();
      await expect(page.getByRole('heading', { level: 2, name: 'Press' })).toBeVisible();
      await button('Add contacts').click();
      await dialog
        .getByLabel('Type or paste addresses')
        .fill('Bo Lind <bo@delta.example>\nCy Roy <cy@delta.example>');
      await dialog.getByRole('button', { name: 'Add 2 contacts' }).click();
      await reports('2 contacts were added.');
      await button('Add contacts').click();
      await dialog
        .getByLabel('Or choose a CSV file')
        .setInputFiles(csv('name,email\nCy Roy,CY@delta.example\nDi Vu,di@delta.example\n'));
      await dialog.getByRole('button', { name: 'Import the file' }).click();
      await reports('1 contact was added.');
      await expect(page.getByRole('listitem').filter({ hasText: 'Di Vu' })).toBeVisible();
      await expect(page.getByRole('heading', { level: 2, name: /Press\s*3/ })).toBeVisible();
      await page.screenshot({ path: info.outputPath('group.png'), fullPage: true });
      await expectAccessible(page);

      // The event: pasted, from a file, and the group.
      await page.getByRole('navigation').getByRole('link', { name: 'Calendar' }).click();
      await plan(page, 'Press day');
      await page.getByRole('link', { name: 'Guests' }).click();
      await button('Add guests').click();
      await dialog
        .getByLabel('Type or paste addresses')
        .fill('Al Ek <al@delta.example>, Bo Lind <bo@delta.example>');
      await dialog.getByRole('button', { name: 'Add 2 guests' }).click();
      await reports('2 guests were added.');
      await button('Add guests').click();
      await dialog
        .getByLabel('Or choose a CSV file')
        .setInputFiles(csv('name,email\nBo Lind,bo@delta.example\nCy Roy,cy@delta.example\n'));
      await dialog.getByRole('button', { name: 'Import the file' }).click();
      await reports('1 guest was added.');
      await button('From contacts').click();
      await dialog.getByLabel('Press (3)').check();
      await page.screenshot({ path: info.outputPath('from contacts.png') });
      await expectAccessible(page);
      await dialog.getByRole('button', { name: 'Add the group' }).click();
      await reports('1 guest was added.');
      for (const name of ['Al Ek', 'Bo Lind', 'Cy Roy', 'Di Vu'])
        await expect(page.getByRole('listitem').filter({ hasText: name })).toHaveCount(1);
      await expect(page.getByRole('listitem').filter({ hasText: '@delta.example' })).toHaveCount(4);

      // One invitation each.
      const mails = await context.newPage();
      await mails.goto('/dev/mail');
      for (const to of ['al', 'bo', 'cy', 'di']) await expect(invitations(mails, to)).toHaveCount(1);
      await mails.screenshot({ path: info.outputPath('mails.png'), fullPage: true });
      expect(errors).toEqual([]);
    } finally {
      await context.close();
      await up.stop();
    }
  },
);

/** The mails in the mailbox to somebody. */
function invitations(page: Page, to: string) {
  return page.getByRole('listitem').filter({ hasText: `${to}@delta.example` });
}
