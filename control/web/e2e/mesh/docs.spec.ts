/** The description of the API, drawn from what control says of it. */
import { expect, test } from '@playwright/test';
import { expectAccessible, expectNoSidewaysScroll, watchErrors } from '../page';

for (const [language, width, heading, find, found] of [
  ['en', 1280, 'API', 'Find an operation', /^\d+ operations$/],
  ['fr', 360, 'API', 'Chercher une opération', /^\d+ opérations$/],
] as const) {
  test(
    `the API is described, ${language} at ${width}`,
    { tag: language === 'fr' ? '@more' : [] },
    async ({ page }, info) => {
      const errors = watchErrors(page);
      await page.setViewportSize({ width, height: 740 });
      await page.goto(`/docs/api?lang=${language}`);
      await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
      const count = page.getByRole('status');
      await expect(count).toHaveText(found);
      const all = await page.locator('details').count();
      expect(all).toBeGreaterThan(30);
      await page.getByLabel(find).fill('set-role');
      await expect(page.locator('details:visible')).toHaveCount(1);
      await page.locator('summary:visible').press('Enter');
      const roles = page.locator('details:visible').getByText('owner | organizer | collaborator | presenter');
      await expect(roles.first()).toBeVisible();
      await expectNoSidewaysScroll(page);
      await page.screenshot({ path: info.outputPath('docs.png') });
      await expectAccessible(page);
      expect(errors).toEqual([]);
    },
  );
}
