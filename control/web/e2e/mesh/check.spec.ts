/** The system check against real edges. */
import { expect, test } from '@playwright/test';
import { expectAccessible, watchErrors } from '../page';

test('the system check opens a session with a real edge, and leaves it', async ({ page }) => {
  const errors = watchErrors(page, [/Failed to load resource.*404/]);
  const left = page.waitForRequest(
    request => request.method() === 'DELETE' && request.url().includes('/whep/'),
  );
  await page.goto('/check?lang=en');
  await expect(
    page.getByText(/^Media comes through by UDP: a session with edge-\d+ was there in \d+ ms\.$/),
  ).toBeVisible();
  // 404 where the edge has seen the connection close first.
  expect([200, 404]).toContain((await (await left).response())?.status());
  await expect(page.getByText(/^The site answers, in \d+ ms\.$/)).toBeVisible();
  await expectAccessible(page);
  expect(errors).toEqual([]);
});
