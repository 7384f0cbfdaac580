/** A Chromium that is driven by a test which is not written for one: it ends with standard input, and says lines of JSON. */
import { chromium } from 'playwright-core';

let over = false;

/** Starts Chromium, and ends it, and this process, with standard input. */
export async function chromiumUntilEnd() {
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
  process.stdin.on('end', () => {
    over = true;
    void browser.close().then(() => process.exit(0));
  });
  process.stdin.resume();
  return browser;
}

/** Says what look finds, four times a second. */
export async function everyQuarter(look) {
  while (!over) {
    try {
      console.log(JSON.stringify(await look()));
    } catch (thrown) {
      if (!over) throw thrown;
    }
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}
