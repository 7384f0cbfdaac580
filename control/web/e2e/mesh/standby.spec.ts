/** Deaths of edges, seen by viewers who have another one standing by. */
import { cpus, loadavg } from 'node:os';
import { type Page, expect, test } from '@playwright/test';
import { Cluster } from '../cluster';
import { untilFrames, untilState } from '../page';

const edges = ['edge-1', 'edge-2', 'edge-3'];
/** In each death, of those whose edge died: so that there are 20 in few rounds. */
const viewers = 3;
const rounds = Number(process.env['FRESHET_DEATHS'] ?? 12);

// What records the journey, or paints more than a small picture, takes the time that is measured.
test.use({ trace: 'off', viewport: { width: 480, height: 360 } });

/** What a page notes: painted frames and turns, by its own clock, since mark. */
interface Noted {
  frames: number[];
  turns: number[];
  states: string[];
}

/** Opens a viewer at the watch page. */
async function watch(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await untilState(page, 'playing', 20_000);
  await page.evaluate(() => {
    const noted: Noted = { frames: [], turns: [], states: [] };
    Object.assign(globalThis, { noted });
    const player = document.querySelector('freshet-player');
    player?.addEventListener('freshet-state', event => {
      noted.states.push((event as CustomEvent<{ state: string }>).detail.state);
    });
    player?.video.requestVideoFrameCallback(function next(now) {
      noted.frames.push(now);
      player.video.requestVideoFrameCallback(next);
    });
    requestAnimationFrame(function next(now) {
      noted.turns.push(now);
      requestAnimationFrame(next);
    });
  });
}

/** Forgets what a page noted. */
function mark(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { noted } = globalThis as unknown as { noted: Noted };
    noted.frames.length = noted.turns.length = noted.states.length = 0;
  });
}

/** The longest gaps between two frames and between two turns of the page since mark, in ms, and the states it went through. */
function gaps(page: Page): Promise<{ frames: number; turns: number; states: string[] }> {
  return page.evaluate(() => {
    const { noted } = globalThis as unknown as { noted: Noted };
    const longest = (at: number[]) => Math.max(...at.slice(1).map((t, i) => t - (at[i] ?? t)));
    return { frames: longest(noted.frames), turns: longest(noted.turns), states: noted.states };
  });
}

const at = (page: Page) => page.evaluate(() => document.querySelector('freshet-player')?.session?.edge ?? '');

/** Waits until a second edge stands by for the viewer of page, other than one that is dead. */
async function untilStandby(page: Page): Promise<void> {
  await page.waitForFunction(
    () => (document.querySelector('freshet-player')?.standby ?? '') !== '',
    undefined,
    {
      timeout: 60_000,
    },
  );
}

test('an edge dies, another one stands by', { tag: '@idle' }, async ({ context }, info) => {
  test.setTimeout(rounds * 90_000);
  const cluster = await Cluster.start(edges);
  const found: number[] = [];
  let voided = 0;
  let broken = 0;
  try {
    const pages: Page[] = [];
    for (let i = 0; i < viewers; i++) {
      const page = await context.newPage();
      await watch(page, `${cluster.url}/e/talk?lang=en`);
      pages.push(page);
    }
    for (let round = 0; round < rounds; round++) {
      const death = round % 2 === 0 ? 'kill' : 'freeze';
      for (const page of pages) await untilStandby(page);
      const where = await Promise.all(pages.map(at));
      const dying = edges.reduce((a, b) =>
        where.filter(e => e === b).length > where.filter(e => e === a).length ? b : a,
      );
      const hit = pages.filter((_, i) => where[i] === dying);
      for (const page of hit) await mark(page);
      for (const page of hit) await untilFrames(page, 15);
      cluster.die(dying, death);
      for (const page of hit)
        await page.waitForFunction(
          edge => {
            const player = document.querySelector('freshet-player');
            return (
              player?.state === 'playing' && player.session !== undefined && player.session.edge !== edge
            );
          },
          dying,
          { timeout: 20_000 },
        );
      for (const page of hit) await untilFrames(page, 60);
      for (const page of hit) {
        const seen = await gaps(page);
        console.log(`${death} of ${dying}: ${JSON.stringify(seen)}`);
        if (seen.turns > 250) voided++;
        else found.push(seen.frames);
        if (seen.states.some(state => state !== 'moving' && state !== 'playing')) broken++;
      }
      await cluster.back(dying);
    }
  } finally {
    await cluster.stop();
  }
  found.sort((a, b) => a - b);
  const quantile = (q: number) => Math.round(found[Math.ceil(q * found.length) - 1] ?? Infinity);
  const line = JSON.stringify({
    id: 'R2',
    death: 'kill, freeze',
    n: found.length,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: quantile(1),
    broken,
    void: voided,
    unit: 'ms',
    cores: cpus().length,
    load: loadavg().map(l => Number(l.toFixed(1))),
  });
  console.log(line);
  info.annotations.push({ type: 'measured', description: line });
  expect(broken).toBe(0);
  expect(found.length).toBeGreaterThanOrEqual(20);
  expect(quantile(0.99)).toBeLessThanOrEqual(500);
});
