/** A Chromium that is driven by a test which is not written for one: it ends with standard input, and says lines of JSON. */
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

let over = false;

/** Starts Chromium, and ends it, and this process, with standard input. */
export async function chromiumUntilEnd() {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      ...JSON.parse(await readFile(new URL('chromium.json', import.meta.url), 'utf8')),
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
