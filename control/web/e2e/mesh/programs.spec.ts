/** A key that a program uses, and a webhook that a program of this machine is told by, on a mesh of its own. */
import { createHmac } from 'node:crypto';
import { type IncomingHttpHeaders, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';
import { setUp } from '../organizer';
import { watchErrors } from '../page';
import { Up } from '../up';

test(
  'a program reads by a key until it is revoked, and another is told by a webhook',
  { tag: '@more' },
  async ({ browser }, info) => {
    const told: { headers: IncomingHttpHeaders; body: string }[] = [];
    const receiver = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      request.on('end', () => {
        told.push({ headers: request.headers, body });
        response.end('Thanks');
      });
    });
    await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const up = await Up.start();
    const context = await browser.newContext({ baseURL: up.url, viewport: { width: 1280, height: 740 } });
    try {
      const page = await context.newPage();
      const errors = watchErrors(page, []);
      const button = (name: string) => page.getByRole('button', { name, exact: true });
      const shown = page.getByRole('alertdialog');
      await setUp(page);

      await page.goto('/settings/api-keys');
      await button('New key').click();
      await page.getByLabel('Name', { exact: true }).fill('Planner');
      await button('Make the key').click();
      const key = await shown.locator('code').innerText();
      await button('I have kept it').click();
      const read = () => fetch(`${up.url}/api/v1/events`, { headers: { Authorization: `Bearer ${key}` } });
      expect((await read()).status).toBe(200);
      await page.reload();
      await expect(page.getByText(/^Used /)).toBeVisible();
      await page.screenshot({ path: info.outputPath('keys.png') });
      await button('Revoke: Planner').click();
      await button('Revoke the key').click();
      await expect(page.getByText('There is no key')).toBeVisible();
      expect((await read()).status).toBe(401);

      await page.goto('/settings/webhooks');
      await button('New webhook').click();
      await page.getByLabel('Address').fill(`http://127.0.0.1:${port}/in`);
      await button('Make the webhook').click();
      const secret = await shown.locator('code').innerText();
      await button('I have kept it').click();
      await expect(page.getByRole('heading', { level: 1, name: `127.0.0.1:${port}` })).toBeVisible();
      await button('Send a test').click();
      await expect(page.getByText('Taken', { exact: true })).toBeVisible();
      await page.getByText('Details').click();
      await expect(page.getByText('Thanks')).toBeVisible();
      await page.screenshot({ path: info.outputPath('webhook.png'), fullPage: true });
      expect(told).toHaveLength(1);
      const { headers, body } = told[0] ?? { headers: {}, body: '' };
      const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
      const signature = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
        .update(signed)
        .digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${signature}`);

      await button('Change the webhook').click();
      await page.getByLabel('Event deleted').uncheck();
      await button('Save webhook').click();
      await expect(page.getByText(/It is told/)).not.toContainText('Event deleted');
      await button('Switch off').click();
      await shown.getByRole('button', { name: 'Switch off' }).click();
      await expect(page.getByText('Off', { exact: true })).toBeVisible();
      await button('Switch on').click();
      await expect(page.getByText('On', { exact: true })).toBeVisible();
      await button('Delete').click();
      await button('Delete the webhook').click();
      await expect(page.getByText('There is no webhook')).toBeVisible();
      await page.goto('/settings/audit');
      await expect(page.getByText('Deleted a webhook')).toBeVisible();
      expect(errors).toEqual([]);
    } finally {
      await context.close();
      await up.stop();
      receiver.close();
    }
  },
);
