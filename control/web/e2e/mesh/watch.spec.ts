/** The sample of a fresh mesh, watched: "Open the watch page: picture within a second, sound at one press". */
import { expect, test } from '@playwright/test';
import {
  type Join,
  expectAccessible,
  expectNoSidewaysScroll,
  expectQuick,
  expectSmooth,
  noEvent,
  onlyRealPresses,
  recordGaps,
  recordTurns,
  soundLevel,
  untilFrames,
  untilState,
  watchErrors,
} from '../page';

test('the home page plays the sample and tells where to go', async ({ page }) => {
  const errors = watchErrors(page);
  await page.goto('/?lang=en');
  await untilState(page, 'playing');
  await untilFrames(page, 30);
  await expect(page.getByRole('link', { name: 'sample', exact: true })).toBeVisible();
  await expect(page.getByLabel(/^WHIP address: http.*\/whip\/sample$/)).toBeVisible();
  await expect(page.getByLabel(/^WHEP address: http.*\/whep\/sample$/)).toBeVisible();
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('the watch page: picture at once, sound at one press, then smooth', async ({ page }, info) => {
  const errors = watchErrors(page, noEvent);
  await onlyRealPresses(page);
  await page.goto('/e/sample?lang=en');
  await untilState(page, 'playing');
  const first = await page.evaluate(() => document.querySelector('freshet-player')?.firstPictureMS);
  expect(first).toBeLessThan(1000);
  await untilFrames(page, 15);
  await page.getByRole('button', { name: 'Turn on sound' }).click();
  expect(await soundLevel(page, 0.01)).toBeGreaterThan(0.01);

  const gaps = await recordGaps(page);
  await untilFrames(page, 120);
  expectSmooth(await gaps(), 300, info);

  await page.keyboard.press('d');
  const details = page.getByRole('region', { name: 'Details' });
  await expect(details).toContainText(/edge-\d/);
  await expect(details).toContainText('Opus');
  const figures = await page.evaluate(() => document.querySelector('freshet-player')?.figures);
  expect(figures?.video?.width).toBeGreaterThan(0);
  expect(figures?.video?.fps).toBeGreaterThan(10);
  expect(figures?.loss).toBeLessThan(0.01);
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('a move to another edge is not seen', async ({ page }, info) => {
  await page.goto('/e/sample');
  await untilState(page, 'playing');
  await untilFrames(page, 60);
  const before = await page.evaluate(() => document.querySelector('freshet-player')?.session?.edge);
  const gaps = await recordGaps(page);
  await page.evaluate(() => document.querySelector('freshet-player')?.move());
  await page.waitForFunction(edge => {
    const player = document.querySelector('freshet-player');
    return player?.state === 'playing' && player.session !== undefined && player.session.edge !== edge;
  }, before);
  await untilFrames(page, 60);
  expectSmooth(await gaps(), 300, info);
});

test('on a phone, in French, in the dark, and in a frame', async ({ page }) => {
  const errors = watchErrors(page, noEvent);
  await onlyRealPresses(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const path of ['/e/sample', '/embed/sample', '/']) {
    await page.goto(`${path}?lang=fr`);
    await untilState(page, 'playing');
    await untilFrames(page, 5);
    await expect(page.getByRole('button', { name: 'Activer le son' })).toBeVisible();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
  }
  expect(errors).toEqual([]);
});

test('twenty joins: the median of the first picture', { tag: '@idle' }, async ({ page }, info) => {
  await page.goto('/e/sample');
  await untilState(page, 'playing');
  const joins: Join[] = [];
  for (let i = 0; i < 20; i++) {
    await page.evaluate(() => {
      document.querySelector('freshet-player')?.stop();
    });
    await untilState(page, 'idle');
    const turns = await recordTurns(page);
    await page.evaluate(() => {
      document.querySelector('freshet-player')?.play();
    });
    await untilState(page, 'playing');
    const first = await page.evaluate(() => document.querySelector('freshet-player')?.firstPictureMS);
    joins.push({ first: first ?? Infinity, starved: await turns() });
  }
  expectQuick(joins, 'first picture after play()', 300, 600, info);
});
