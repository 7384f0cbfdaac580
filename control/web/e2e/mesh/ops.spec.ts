/** The ops console of a `freshet up`: whoever sets it up operates it. */
import { expect, test } from '@playwright/test';
import { watchErrors } from '../page';
import { Up } from '../up';

test('an edge is cordoned and taken back', { tag: '@more' }, async ({ page }) => {
  const up = await Up.start();
  try {
    const errors = watchErrors(page);
    await page.goto(`${up.url}/setup?lang=en`);
    await page.getByLabel('Name of the account').fill('Delta');
    await page.getByLabel('Your name').fill('Ana');
    await page.getByLabel('Email').fill('ana@delta.example');
    await page.getByLabel('Password', { exact: true }).fill('snow melts in may');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('link', { name: 'Operations' }).first().click();
    for (const node of ['control-1', 'origin-1', 'edge-1', 'edge-2', 'edge-3'])
      await expect(page.getByRole('row', { name: new RegExp(`^${node} `) })).toContainText('Alive');
    await expect(page.getByText('Nothing is wrong.')).toBeVisible();
    await expect(page.getByRole('list', { name: 'Relay tree of sample' })).toContainText('origin-1');

    const edge = page.getByRole('row', { name: /^edge-3 / });
    await edge.getByRole('button', { name: 'Cordon: edge-3' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cordon edge-3' }).click();
    await expect(edge).toContainText('Cordoned');
    await expect(page.getByText('edge-3 is cordoned')).toBeVisible();
    await edge.getByRole('button', { name: 'Take back: edge-3' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Take edge-3 back' }).click();
    await expect(edge).not.toContainText('Cordoned');
    await expect(page.getByText('Nothing is wrong.')).toBeVisible();
    expect(errors).toEqual([]);
  } finally {
    await up.stop();
  }
});
