/** Onto the air from the page, in each codec and in layers, watched by a second page. */
import { type Browser, type Page, expect, test } from '@playwright/test';
import {
  expectAccessible,
  expectSmooth,
  onlyRealPresses,
  recordGaps,
  soundLevel,
  untilFrames,
  untilState,
  watchErrors,
} from '../page';

/** A stream of the mesh that nobody else publishes to, and its key. */
const stream = process.env['FRESHET_LIVE_STREAM'] ?? 'live';
const key = process.env['FRESHET_LIVE_KEY'] ?? 'e2e-live-key';

async function goLive(page: Page, codec: string, layers: boolean): Promise<void> {
  await page.goto(`/live/${stream}?lang=en#key=${key}`);
  await page.getByRole('button', { name: 'Camera' }).click();
  await expect(page.getByText('Picture is there')).toBeVisible();
  await page.getByLabel('Video codec').selectOption(codec);
  if (layers) await page.getByLabel('Send three layers').check();
  await page.getByRole('button', { name: 'Start the stream' }).click();
  await page.getByRole('button', { name: 'Start now' }).click();
  await expect(page.getByText('What is sent')).toBeVisible();
}

async function end(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'End the stream' }).click();
  await page.getByRole('button', { name: 'End for all' }).click();
  await expect(page.getByRole('button', { name: 'Start the stream' })).toBeEnabled();
}

/** A second person, with a browser of their own. */
async function viewer(browser: Browser): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await onlyRealPresses(page);
  await page.goto(`/e/${stream}?lang=en`);
  return page;
}

for (const [codec, name] of [
  ['H264', 'H.264'],
  ['VP8', 'VP8'],
  ['VP9', 'VP9'],
  ['AV1', 'AV1'],
] as const) {
  test(
    `${name} from the page to the edge`,
    { tag: name === 'H.264' ? [] : '@more' },
    async ({ page, browser }) => {
      const errors = watchErrors(page);
      await goLive(page, codec, false);
      const seen = await viewer(browser);
      await untilState(seen, 'playing', 15_000);
      await untilFrames(seen, 60);
      await seen.waitForFunction(
        () => document.querySelector('freshet-player')?.figures?.video?.fps !== undefined,
      );
      const figures = await seen.evaluate(() => document.querySelector('freshet-player')?.figures);
      expect(figures?.video?.codec).toBe(name);
      // A browser short of processor sends a smaller picture than its camera's 1280 × 720. Whatever it says that it
      // sends, the viewer has.
      await expect(async () => {
        const video = await seen.evaluate(() => {
          const v = document.querySelector('freshet-player')?.video;
          return { width: v?.videoWidth ?? 0, height: v?.videoHeight ?? 0 };
        });
        expect(video.width / video.height).toBeCloseTo(16 / 9, 1);
        expect(video.width).toBeGreaterThanOrEqual(480);
        await expect(page.locator('.figures')).toContainText(`${video.width} × ${video.height}`, {
          timeout: 1_000,
        });
      }).toPass({ timeout: 20_000 });
      await seen.getByRole('button', { name: 'Turn on sound' }).click();
      // The fake microphone beeps once a second.
      expect(await soundLevel(seen, 0.01)).toBeGreaterThan(0.01);
      await expectAccessible(page);
      await end(page);
      await seen.context().close();
      expect(errors).toEqual([]);
    },
  );
}

test(
  'three layers: up and down without a stop of the picture',
  { tag: '@idle' },
  async ({ page, browser }, info) => {
    await goLive(page, 'VP8', true);
    // The browser sends the tallest layer only once it knows that the line carries it.
    await expect(page.locator('.figures')).toContainText(/Layer h1280 × 720/, { timeout: 20_000 });
    const seen = await viewer(browser);
    await untilState(seen, 'playing', 15_000);
    const quality = seen.getByRole('combobox', { name: 'Quality' });
    await expect(quality).toBeVisible();
    await expect(quality.getByRole('option')).toHaveCount(5);
    const height = () => seen.evaluate(() => document.querySelector('freshet-player')?.video.videoHeight);
    const values = await quality
      .getByRole('option')
      .evaluateAll(o => o.map(x => (x as HTMLOptionElement).value));
    await untilFrames(seen, 60);
    const gaps = await recordGaps(seen);
    const sizes: (number | undefined)[] = [];
    for (const rid of ['l', 'h', 'm', 'h', 'l']) {
      expect(values).toContain(`rid:${rid}`);
      await quality.selectOption(`rid:${rid}`);
      const wanted = { l: 180, m: 360, h: 720 }[rid];
      await expect.poll(height, { timeout: 15_000 }).toBe(wanted);
      sizes.push(await height());
      await untilFrames(seen, 30);
    }
    console.log(`layers ${sizes.join(' > ')}`);
    expectSmooth(await gaps(), 200, info);
    await end(page);
    await seen.context().close();
  },
);

test(
  'a publisher leaves: viewers are told, first of the silence, then of the end',
  { tag: '@more' },
  async ({ page, browser }) => {
    test.setTimeout(90_000);
    await goLive(page, 'VP8', false);
    const seen = await viewer(browser);
    await untilState(seen, 'playing', 15_000);
    await untilFrames(seen, 30);
    await end(page);
    await untilState(seen, 'stalled');
    await expect(seen.getByText('The publisher is silent').first()).toBeVisible();
    // The origin keeps the stream for a publisher that comes back within 30 s.
    await untilState(seen, 'ended', 50_000);
    await expect(seen.getByText('The stream has left the air').first()).toBeVisible();
    await seen.context().close();
  },
);

test('a wrong key is refused and nothing is sent', async ({ page }) => {
  await page.goto(`/live/${stream}?lang=en#key=wrong`);
  await page.getByRole('button', { name: 'Camera' }).click();
  await page.getByRole('button', { name: 'Start the stream' }).click();
  await page.getByRole('button', { name: 'Start now' }).click();
  await expect(page.getByRole('alert')).toContainText('The stream key is not valid for this stream.');
});
