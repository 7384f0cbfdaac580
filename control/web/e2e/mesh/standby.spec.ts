/** Deaths of edges, seen by viewers who have another one standing by. */
import { cpus, loadavg } from 'node:os';
import { type Page, expect, test } from '@playwright/test';
import { Cluster } from '../cluster';
import { untilFrames, untilState } from '../page';

const edges = ['edge-1', 'edge-2', 'edge-3'];
/** Of one viewer, one after the other: a page in front alone paints in real time. */
const deaths = 20;
/** A page that got no turn for so long, in ms, tells nothing of the mesh. */
const starvedMS = 250;

// What records the journey, or paints more than a small picture, takes the time that is measured.
test.use({ trace: 'off', viewport: { width: 480, height: 360 } });

/** What a page notes: when frames were painted and when it had a turn, by its own clock, and the player's states. */
interface Noted {
  frames: number[];
  turns: number[];
  states: string[];
}

/** Opens a viewer at the watch page. */
async function watch(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/e/talk?lang=en`);
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

/** Forgets what page noted. */
function mark(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { noted } = globalThis as unknown as { noted: Noted };
    noted.frames.length = noted.turns.length = noted.states.length = 0;
  });
}

/** Since mark: the longest times between two frames and between two turns, in ms, and the states. */
function since(page: Page): Promise<{ frames: number; turns: number; states: string[] }> {
  return page.evaluate(() => {
    const { noted } = globalThis as unknown as { noted: Noted };
    const longest = (times: number[]) => Math.max(...times.slice(1).map((t, i) => t - (times[i] ?? t)));
    return { frames: longest(noted.frames), turns: longest(noted.turns), states: noted.states };
  });
}

const edgeOf = (page: Page) =>
  page.evaluate(() => document.querySelector('freshet-player')?.session?.edge ?? '');

/** Waits until a second edge stands by for page's viewer. */
async function untilStandby(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('freshet-player')?.standby !== '', undefined, {
    timeout: 90_000, // one that failed rests, and control is asked for others a minute later at most
  });
}

/** Waits until page plays from another edge than dead. */
async function untilElsewhere(page: Page, dead: string): Promise<void> {
  await page.waitForFunction(
    edge => {
      const player = document.querySelector('freshet-player');
      return player?.state === 'playing' && player.session !== undefined && player.session.edge !== edge;
    },
    dead,
    { timeout: 20_000 },
  );
  await untilFrames(page, 60);
}

/** A cluster of an origin and edges in one region, with stream talk on the air. */
async function onAir(): Promise<Cluster> {
  const cluster = await Cluster.start('--stream', 'talk=e2e-talk-key');
  try {
    await cluster.join('origin-1', 'origin', 'yul');
    for (const name of edges) await cluster.join(name, 'edge', 'yul');
    await cluster.publish('talk', 'e2e-talk-key');
  } catch (thrown) {
    await cluster.stop();
    throw thrown;
  }
  return cluster;
}

test(
  'an edge dies: the page goes on by itself, and has another standby',
  { tag: '@more' },
  async ({ page }) => {
    test.setTimeout(180_000);
    const cluster = await onAir();
    try {
      await watch(page, cluster.url);
      await untilStandby(page);
      const [dying, by] = [
        await edgeOf(page),
        await page.evaluate(() => document.querySelector('freshet-player')?.standby),
      ];
      expect(by).not.toBe(dying);
      await mark(page); // a page that was loaded again would have forgotten it
      cluster.die(dying, 'kill');
      await untilElsewhere(page, dying);
      expect((await since(page)).states.slice(0, 2)).toEqual(['moving', 'playing']);
      await untilStandby(page);
      expect(await page.evaluate(() => document.querySelector('freshet-player')?.standby)).not.toBe(dying);
    } finally {
      await cluster.stop();
    }
  },
);

test('edges die, and hardly anybody sees it', { tag: '@idle' }, async ({ page }, info) => {
  test.setTimeout(deaths * 60_000);
  const cluster = await onAir();
  const gaps: number[] = [];
  let voided = 0;
  let broken = 0;
  try {
    await watch(page, cluster.url);
    for (let n = 0; n < deaths; n++) {
      const death = n % 2 === 0 ? 'kill' : 'freeze';
      await untilStandby(page);
      const dying = await edgeOf(page);
      await mark(page);
      await untilFrames(page, 15);
      cluster.die(dying, death);
      await untilElsewhere(page, dying);
      const seen = await since(page);
      console.log(`${death} of ${dying}: ${JSON.stringify(seen)}`);
      if (seen.turns > starvedMS) voided++;
      else gaps.push(seen.frames);
      if (seen.states.some(state => state !== 'moving' && state !== 'playing')) broken++;
      await cluster.back(dying);
    }
  } finally {
    await cluster.stop();
  }
  gaps.sort((a, b) => a - b);
  const quantile = (q: number) => Math.round(gaps[Math.ceil(q * gaps.length) - 1] ?? Infinity);
  const line = JSON.stringify({
    ...{ id: 'R2', death: 'kill, freeze', n: gaps.length, p50: quantile(0.5), p95: quantile(0.95) },
    ...{ p99: quantile(0.99), max: quantile(1), broken, void: voided, unit: 'ms', cores: cpus().length },
    load: loadavg().map(l => Number(l.toFixed(1))),
  });
  console.log(line);
  info.annotations.push({ type: voided === 0 ? 'measured' : 'void', description: line });
  expect(voided, 'the machine is starved').toBeLessThanOrEqual(deaths / 5);
  expect(broken).toBe(0);
  expect(quantile(0.99)).toBeLessThanOrEqual(500);
});
