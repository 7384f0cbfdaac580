/**
 * Watches a page in Chromium for tests that are not written for a browser, and says four times a second what was seen, a
 * line of JSON each: when pictures were shown, at which edge, in which stay, and how often the page was loaded. It ends
 * with its standard input. usage: viewer.mjs URL
 */
import { chromiumUntilEnd, everyQuarter } from './driven.mjs';

const browser = await chromiumUntilEnd();
const page = await browser.newPage();
const faults = [];
page.on('pageerror', error => faults.push(error.message));
await page.addInitScript(() => {
  const seen = { frames: [], stays: [] };
  globalThis.seen = seen;
  sessionStorage.setItem('loads', String(Number(sessionStorage.getItem('loads') ?? 0) + 1));
  addEventListener('freshet-entry', ({ detail }) => {
    if (!seen.stays.includes(detail.session)) seen.stays.push(detail.session);
  });
  let video;
  const next = () => {
    seen.frames.push(performance.timeOrigin + performance.now());
    video.requestVideoFrameCallback(next);
  };
  setInterval(() => {
    const now = document.querySelector('freshet-player')?.video;
    if (now && now !== video) {
      video = now;
      video.requestVideoFrameCallback(next);
    }
  }, 50);
});
await page.goto(process.argv[2]);
// At the door of an event a name and an address are asked for; a stream by itself plays at once.
const come = page.locator('form button.main');
await page.waitForFunction(
  () => {
    const state = document.querySelector('freshet-player')?.state ?? 'idle';
    return document.querySelector('form button.main') !== null || state !== 'idle';
  },
  undefined,
  { timeout: 60_000 },
);
if ((await come.count()) > 0) {
  await page.locator('form input[name=name]').fill('Ada');
  await page.locator('form input[name=email]').fill('ada@river.example');
  await come.click();
}
await everyQuarter(async () => {
  const said = await page.evaluate(() => {
    const player = document.querySelector('freshet-player');
    return {
      node: player?.session?.edge ?? '',
      state: player?.state ?? '',
      stays: globalThis.seen.stays,
      loads: Number(sessionStorage.getItem('loads')),
      frames: globalThis.seen.frames.splice(0),
    };
  });
  return { ...said, faults };
});
