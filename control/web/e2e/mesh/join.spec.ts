/**
 * Joining while the publisher sends a key frame only every ten seconds. The stream `slow` is the sample, encoded so:
 * deploy/ci/e2e.sh publishes it. The strip on top of each frame holds its number (bench/README.md).
 */
import { type Browser, type Page, expect, test } from '@playwright/test';
import { type Join, expectQuick, expectSmooth, recordTurns, untilFrames, untilState } from '../page';

/** A painted frame: when, by a clock that all pages share, in ms, and its number. */
interface Seen {
  at: number;
  frame: number;
}

declare global {
  /** Notes each frame that the player paints from now on, the oldest first. */
  var noteFrames: () => Seen[];
  var noted: Seen[];
}

const loop = 1800; // frames of the sample
const frameMS = 1000 / 30;

/** Opens the watch page in a context of its own, where it plays. */
async function visitor(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript(() => {
    globalThis.noteFrames = () => {
      const video = document.querySelector('freshet-player')?.video;
      const context = new OffscreenCanvas(16, 1).getContext('2d', { willReadFrequently: true });
      if (!video || !context) throw new Error('no player, or no canvas');
      const frames: Seen[] = [];
      video.requestVideoFrameCallback(function next(now) {
        // From the middle of each block of the strip's first row.
        for (let i = 0; i < 16; i++) context.drawImage(video, i * 40 + 19, 11, 2, 2, i, 0, 1, 1);
        const pixels = context.getImageData(0, 0, 16, 1).data;
        let frame = 0;
        for (let i = 2; i <= 12; i++) frame = frame * 2 + ((pixels[i * 4] ?? 0) > 127 ? 1 : 0);
        frames.push({ at: performance.timeOrigin + now, frame });
        video.requestVideoFrameCallback(next);
      });
      return frames;
    };
  });
  await page.goto('/e/slow?lang=en');
  await untilState(page, 'playing');
  return page;
}

/** Leaves, joins again, and tells how that went, and what was painted in the first ms. */
async function joinAgain(page: Page, ms: number): Promise<Join & { seen: Seen[] }> {
  await page.evaluate(() => {
    document.querySelector('freshet-player')?.stop();
  });
  await untilState(page, 'idle');
  const turns = await recordTurns(page);
  await page.evaluate(() => {
    globalThis.noted = globalThis.noteFrames();
    document.querySelector('freshet-player')?.play();
  });
  await untilState(page, 'playing');
  await page.waitForFunction(
    length => {
      const [first] = globalThis.noted;
      return first !== undefined && performance.timeOrigin + performance.now() - first.at > length;
    },
    ms,
    { polling: 50 },
  );
  const starved = await turns();
  return page.evaluate(
    longest => ({
      first: document.querySelector('freshet-player')?.firstPictureMS ?? Infinity,
      starved: longest,
      seen: globalThis.noted,
    }),
    starved,
  );
}

test(
  'twenty joins between key frames: the median of the first picture',
  { tag: '@idle' },
  async ({ browser }, info) => {
    const page = await visitor(browser);
    const joins: Join[] = [];
    for (let i = 0; i < 20; i++) joins.push(await joinAgain(page, 200));
    expectQuick(joins, 'first picture between key frames', 300, 600, info);
    await page.context().close();
  },
);

test(
  'a join between key frames moves at once and is live within three seconds',
  { tag: '@idle' },
  async ({ browser }, info) => {
    const early = await visitor(browser);
    const late = await visitor(browser);
    await untilFrames(early, 90); // past its own catching up
    await early.evaluate(() => {
      globalThis.noted = globalThis.noteFrames();
    });
    for (let i = 0; i < 3; i++) {
      const { first, starved, seen } = await joinAgain(late, 3_500);
      const begun = seen[0]?.at ?? 0;
      const longest = Math.max(...seen.slice(1).map((s, n) => s.at - (seen[n]?.at ?? 0)));
      const last = seen.filter(s => s.at - begun <= 3_000).at(-1);
      const then = await early.evaluate(
        time => globalThis.noted.filter(s => s.at <= time).at(-1),
        last?.at ?? 0,
      );
      if (!last || !then) throw new Error('one of the two saw nothing');
      // The number starts anew each minute: the shorter way round.
      const behind = ((then.frame - last.frame + loop + loop / 2) % loop) - loop / 2;
      const line =
        `first picture after ${first.toFixed(0)} ms, frame ${seen[0]?.frame}; longest gap ${longest.toFixed(0)} ms; ` +
        `after 3 s ${(behind * frameMS).toFixed(0)} ms behind`;
      info.annotations.push({ type: 'measured', description: line });
      console.log(line);
      expectSmooth({ longest, starved, frames: seen.length }, 300, info);
      expect(behind * frameMS).toBeLessThanOrEqual(500);
    }
    await early.context().close();
    await late.context().close();
  },
);
