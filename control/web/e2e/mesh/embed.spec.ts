/** Another site shows an event: one that its organizer has listed, and one that is not, through a mesh of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Page, expect, test } from '@playwright/test';
import { addStream, plan, setUp } from '../organizer';
import { expectAccessible, untilState, watchErrors } from '../page';
import { Up } from '../up';

/** A site whose pages show an event: "/frame" in a frame, "/script" by the player alone, "/silent" without a word of itself. */
async function site(mesh: string, slug: string): Promise<Server> {
  const frame = `<iframe src="${mesh}/embed/${slug}?lang=en" width="640" height="420" allow="autoplay; fullscreen" title="Town hall"></iframe>`;
  const pages: Record<string, string> = {
    '/frame': frame,
    '/silent': frame.replace('<iframe', '<iframe referrerpolicy="no-referrer"'),
    '/script': `<script type="module" src="${mesh}/player.js"></script><freshet-player event="${slug}" api="${mesh}/api/v1" autoplay></freshet-player>`,
  };
  const server = createServer((request, response) => {
    const body = pages[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>${body ?? ''}</html>`);
  });
  await new Promise<void>(resolve => server.listen(0, resolve));
  return server;
}

/** The player in the frame of page plays. */
async function framePlays(page: Page): Promise<void> {
  const player = page.frameLocator('iframe').locator('freshet-player');
  await expect
    .poll(() => player.evaluate(element => (element as HTMLElement & { state: string }).state), {
      timeout: 20_000,
    })
    .toBe('playing');
}

test(
  'a listed site shows an event, another one says that it may not',
  { tag: '@more' },
  async ({ browser }, info) => {
    test.setTimeout(180_000);
    const up = await Up.start();
    let publisher: ChildProcess | undefined;
    let others: Server | undefined;
    const context = await browser.newContext({
      baseURL: up.url,
      locale: 'en-US',
      viewport: { width: 1280, height: 800 },
    });
    try {
      const organizer = await context.newPage();
      await setUp(organizer);
      const slug = await plan(organizer, 'Town hall');
      const keys = await addStream(organizer, 'Floor');
      const [whip = '', key = ''] = await keys.locator('code').allTextContents();
      const button = (name: string) => organizer.getByRole('button', { name, exact: true });
      await button('I have copied it').click();
      await button('Prepare the event').click();
      publisher = spawn(process.env['FRESHET'] ?? '', ['publish', '--url', whip, `--key=${key}`, '--loop'], {
        stdio: 'inherit',
      });
      await expect(organizer.getByText('Receiving')).toBeVisible({ timeout: 20_000 });
      await button('Start the event').click();
      await button('Start now').click();
      await expect(organizer.getByText('On the air', { exact: true })).toBeVisible();

      others = await site(up.url, slug);
      const { port } = others.address() as AddressInfo;
      const [listed, other] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
      const page = await context.newPage();
      const errors = watchErrors(page, [/Failed to load resource/]);

      // At first any site may.
      await page.goto(`${other}/frame`);
      await framePlays(page);

      await organizer.getByLabel('Which sites may show it').selectOption('Only these sites');
      await organizer.getByLabel('Sites', { exact: true }).fill(`${listed}/frame`);
      await button('Save the sites').click();
      await expect(organizer.getByText('The sites of your list may show this event.')).toBeVisible();
      await expect(organizer.getByLabel('Sites', { exact: true })).toHaveValue(`127.0.0.1:${port}`);
      await expect
        .poll(async () => (await fetch(`${up.url}/embed/${slug}`)).headers.get('content-security-policy'), {
          timeout: 5000,
        })
        .toContain(`frame-ancestors 'self' http://127.0.0.1:${port};`);

      await page.goto(`${listed}/frame`);
      await framePlays(page);
      await page.goto(`${listed}/script`);
      await untilState(page, 'playing', 20_000);

      await page.goto(`${other}/frame`);
      const frame = page.frameLocator('iframe');
      await expect(frame.getByRole('heading')).toHaveText(`This event may not be shown on localhost:${port}`);
      await expect(frame.getByRole('link', { name: "Open the event's own page" })).toHaveAttribute(
        'href',
        `/e/${slug}`,
      );
      await page.screenshot({ path: info.outputPath('refused.png') });
      await page.goto(`${other}/script`);
      await untilState(page, 'refused', 20_000);
      await expect(page.getByRole('paragraph').last()).toContainText(
        'The organizer does not let this site show this event.',
      );
      await page.screenshot({ path: info.outputPath('script.png') });
      expect(errors).toEqual([]);

      // A site that does not say who it is: the browser keeps the frame empty, by what our page says.
      const said: string[] = [];
      page.on('console', message => said.push(message.text()));
      await page.goto(`${other}/silent`);
      await expect.poll(() => said.join('\n')).toContain('frame-ancestors');
      expect(page.frames().some(shown => shown.url().includes('/embed/'))).toBe(false);

      // The link of the refusal leads to where it plays.
      await page.goto(`${other}/frame`);
      const opened = context.waitForEvent('page');
      await frame.getByRole('link').click();
      const own = await opened;
      await own.getByLabel('Name').fill('Zoé');
      await own.getByLabel('Email').fill('zoe@example.org');
      await own.getByRole('button', { name: 'Watch' }).click();
      await untilState(own, 'playing', 20_000);
      await expect(own.getByRole('button', { name: 'Embed' })).toBeHidden();
      await expectAccessible(organizer);
    } finally {
      publisher?.kill('SIGTERM');
      await context.close();
      others?.closeAllConnections();
      others?.close();
      await up.stop();
    }
  },
);
