/**
 * Looks at the ops console in Chromium for tests that are not written for a browser, and says four times a second what it
 * reads there, a line of JSON each. usage: console.mjs ORIGIN EMAIL PASSWORD
 */
import { chromiumUntilEnd, everyQuarter } from './driven.mjs';

const [, , origin, email, password] = process.argv;
const browser = await chromiumUntilEnd();
const page = await browser.newPage();
await page.goto(`${origin}/ops?lang=en`);
await page.getByRole('link', { name: 'Use a password instead' }).click();
await page.getByLabel('Email').fill(email);
await page.getByLabel('Password', { exact: true }).fill(password);
await page.keyboard.press('Enter');
await page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor();

/**
 * The way of each node in the relay trees as they are drawn: the names it hangs below, and its own. It is read in one go:
 * the page draws anew each second.
 */
const waysDrawn = () =>
  page.evaluate(() => {
    const hops = '[aria-label^="Relay tree of "] li';
    return [...document.querySelectorAll(hops)].map(hop => {
      const names = [];
      for (let at = hop; at; at = at.parentElement.closest(hops))
        names.unshift(at.querySelector('.mono').textContent);
      return names.join(' → ');
    });
  });

await everyQuarter(async () => ({
  text: await page.locator('main').innerText(),
  ways: await waysDrawn(),
}));
