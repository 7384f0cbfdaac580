/**
 * Watches a page in Chromium for tests that are not written for a browser, and says four times a second what was seen, a
 * line of JSON each: when pictures were shown, at which edge, in which stay, and how often the page was loaded. It ends
 * with its standard input. usage: viewer.mjs URL
 */
import { chromium } from 'playwright-core';

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-quic',
    '--autoplay-policy=no-user-gesture-required',
  ],
});
process.stdin.on('end', () => void browser.close().then(() => process.exit(0)));
process.stdin.resume();

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
const come = page.locator('form button[type=submit]');
await page.waitForFunction(
  () =>
    document.querySelector('form button[type=submit]') ??
    document.querySelector('freshet-player')?.state !== 'idle',
  undefined,
  { timeout: 60_000 },
);
if ((await come.count()) > 0) {
  const name = page.locator('form input[type=text]');
  if ((await name.count()) > 0) await name.first().fill('Ada');
  await come.first().click();
}
for (;;) {
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
  console.log(JSON.stringify({ ...said, faults }));
  await new Promise(resolve => setTimeout(resolve, 250));
}
