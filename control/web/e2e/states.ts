/** For journeys through states that a healthy control node never shows all of: pages of a stand-in, with made-up answers. */
import { type Page, expect, test as base } from '@playwright/test';
import { type Answers, answer } from './answers';
import { expectAccessible, expectNoSidewaysScroll, watchErrors } from './page';
import { StandIn } from './standin';

export const test = base.extend<{ mesh: StandIn }>({
  mesh: async ({ browser }, use) => {
    const mesh = await StandIn.start(browser);
    await use(mesh);
    await mesh.close();
  },
});

/** The browser itself writes this for every answer from 400 on. */
export const refused = /Failed to load resource/;

/** A state of a page, and a text that only it shows. */
export interface State {
  name: string;
  path: string;
  answers: Answers;
  en: string;
  fr: string;
}

const at = (mesh: StandIn, path: string, language: string) =>
  `${mesh.url}${path}${path.includes('?') ? '&' : '?'}lang=${language}`;

/** Looks at each state in both languages, themes, and at a desk and on a phone; now is the page's clock, where it matters. */
export function lookAtEach(states: readonly State[], now?: Date): void {
  for (const { name, path, answers, en, fr } of states) {
    for (const [language, text, width, colorScheme] of [
      ['en', en, 1280, 'light'],
      ['fr', fr, 360, 'dark'],
    ] as const) {
      test(`${name}, ${language} at ${width}, ${colorScheme}`, async ({ page, mesh }, info) => {
        const errors = watchErrors(page, [refused]);
        if (now) await page.clock.setFixedTime(now);
        await page.setViewportSize({ width, height: 740 });
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await answer(page, answers);
        await page.goto(at(mesh, path, language));
        await expect(page.getByText(text).first()).toBeVisible();
        await expect(page.locator('html')).toHaveAttribute('lang', language);
        await expect(page.locator('h1')).toHaveCount(1);
        await expect(page).toHaveTitle(/ · Freshet$/);
        await page.evaluate(() => document.fonts.ready);
        await expectNoSidewaysScroll(page);
        await page.screenshot({ path: info.outputPath(`${name} ${language}.png`), fullPage: true });
        await expectAccessible(page);
        expect(errors).toEqual([]);
        await page.setViewportSize({ width: 320, height: 740 });
        await expectNoSidewaysScroll(page);
      });
    }
  }
}

/** Opens path as somebody who speaks English, at a desk. */
export async function visit(page: Page, mesh: StandIn, path: string, answers: Answers): Promise<string[]> {
  const errors = watchErrors(page, [refused]);
  await answer(page, answers);
  await page.goto(at(mesh, path, 'en'));
  return errors;
}
