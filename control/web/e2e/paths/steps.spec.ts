/**
 * A path that becomes narrow and wide again: 2.5 Mbit/s, 400 kbit/s, 2.5 Mbit/s. `freshet bench impair` stands between
 * the viewer and the edge. The stream `layers` has 150, 500 and 1,500 kbit/s; deploy/ci/e2e.sh publishes it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, type Page, expect, test } from '@playwright/test';
import { expectSmooth, recordGaps, untilState } from '../page';

const freshet = process.env['FRESHET'] ?? '.build/freshet';

/** When the path changes, in seconds after it began. */
const narrowAt = 25;
const wideAt = 40;

/** A path to an edge's media port. */
class Path {
  /** When it began, by Date.now(). */
  began = 0;
  port = 0;
  #process: ChildProcess | undefined;
  #dir = '';

  /** Opens the way to target. A mobile network's queue is long: packets wait rather than get lost. */
  async open(target: string): Promise<void> {
    this.#dir = await mkdtemp(join(tmpdir(), 'freshet-path-'));
    const file = join(this.#dir, 'path.toml');
    await writeFile(
      file,
      `[[link]]
name = "viewer"
listen = "127.0.0.1:0"
target = "${target}"
up = { delay = "20ms" }
down = { delay = "20ms", rate = "2.5Mbit", buffer = "2s" }
[[step]]
at = "${narrowAt}s"
down = { rate = "400kbit" }
[[step]]
at = "${wideAt}s"
down = { rate = "2.5Mbit" }
`,
    );
    const process = spawn(freshet, ['bench', 'impair', '--scenario', file, '--output', 'json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = process;
    const [line] = (await once(createInterface(process.stdout), 'line')) as [string];
    this.began = Date.now();
    const report = JSON.parse(line) as { links: { listen: string }[] };
    this.port = Number(report.links[0]?.listen.split(':').at(-1));
  }

  async close(): Promise<void> {
    if (this.#process?.exitCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    if (this.#dir !== '') await rm(this.#dir, { recursive: true });
  }
}

/** What a viewer's page notes: the height of the picture whenever it changes, by Date.now(), and its connections. */
interface Noted {
  heights: { at: number; height: number }[];
  peers: RTCPeerConnection[];
}

/** Opens the watch page so that its media takes path. */
async function watch(browser: Browser, path: Path): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const noted: Noted = { heights: [], peers: [] };
    Object.assign(globalThis, { noted });
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        noted.peers.push(this);
      }
    };
  });
  await page.route('**/whep/layers', async route => {
    if (route.request().method() !== 'POST') {
      await route.continue();
      return;
    }
    const response = await route.fetch();
    const answer = await response.text();
    const [, address = '', port = ''] = /^a=candidate:\S+ 1 udp \S+ (\S+) (\d+) typ host/m.exec(answer) ?? [];
    if (path.port === 0) await path.open(`${address}:${port}`);
    await route.fulfill({
      response,
      body: answer.replace(/^(a=candidate:\S+ 1 udp \S+) \S+ \d+ /gm, `$1 127.0.0.1 ${path.port} `),
    });
  });
  await page.goto('/e/layers?lang=en');
  await untilState(page, 'playing', 15_000);
  await page.evaluate(() => {
    const { noted } = globalThis as unknown as { noted: Noted };
    const video = document.querySelector('freshet-player')?.video;
    video?.requestVideoFrameCallback(function next(_, { height }) {
      if (height !== noted.heights.at(-1)?.height) noted.heights.push({ at: Date.now(), height });
      video.requestVideoFrameCallback(next);
    });
  });
  return page;
}

interface Figures {
  cipher: string;
  lost: number;
  concealed: number;
  heard: number;
}

/** What the viewer's connection counts: the cipher it agreed on, and how its sound fares. */
function figures(page: Page): Promise<Figures> {
  return page.evaluate(async () => {
    const { noted } = globalThis as unknown as { noted: Noted };
    const found = { cipher: '', lost: 0, concealed: 0, heard: 0 };
    const stats = await noted.peers.at(-1)?.getStats();
    stats?.forEach((s: Record<string, unknown>) => {
      if (s['type'] === 'transport') found.cipher = String(s['srtpCipher']);
      if (s['type'] !== 'inbound-rtp' || s['kind'] !== 'audio') return;
      found.lost = Number(s['packetsLost']);
      found.concealed = Number(s['concealedSamples']);
      found.heard = Number(s['totalSamplesReceived']);
    });
    return found;
  });
}

test('a path becomes narrow and wide again: a lower layer, a higher one, no stop', async ({
  browser,
}, info) => {
  test.setTimeout(120_000);
  const path = new Path();
  try {
    const seen = await watch(browser, path);
    const height = () =>
      seen.evaluate(() => (globalThis as unknown as { noted: Noted }).noted.heights.at(-1)?.height);
    const until = async (seconds: number) => {
      await seen.waitForFunction(at => Date.now() >= at, path.began + 1000 * seconds, { polling: 50 });
    };
    await expect.poll(height, { timeout: 20_000 }).toBe(360);
    await until(narrowAt - 1);
    expect(await height()).toBe(360);
    const gaps = await recordGaps(seen);
    const before = await figures(seen);
    expect(before.cipher).toContain('AEAD_AES_128_GCM');
    await until(wideAt + 12);
    const after = await figures(seen);
    const smooth = await gaps();

    const heights = await seen.evaluate(() => (globalThis as unknown as { noted: Noted }).noted.heights);
    const since = (step: number) => heights.filter(({ at }) => at >= path.began + 1000 * step);
    const [down] = since(narrowAt);
    const up = since(wideAt).find(h => h.height > 90);
    const took = (step: number, h: { at: number } | undefined) =>
      (h?.at ?? Infinity) - path.began - 1000 * step;
    const line =
      `lower after ${took(narrowAt, down)} ms, higher after ${took(wideAt, up)} ms; ` +
      `sound: ${after.lost - before.lost} packets lost, ` +
      `${((after.concealed - before.concealed) / 48).toFixed(0)} ms of ${((after.heard - before.heard) / 48).toFixed(0)} concealed`;
    console.log(
      line,
      heights.map(h => `${h.height} at ${((h.at - path.began) / 1000).toFixed(2)} s`).join(', '),
    );
    info.annotations.push({ type: 'measured', description: line });
    expect(down?.height).toBeLessThan(360);
    expect(took(narrowAt, down)).toBeLessThanOrEqual(2_000);
    expect(took(wideAt, up)).toBeLessThanOrEqual(8_000);
    expect(after.lost).toBe(before.lost);
    expectSmooth(smooth, 300, info);
    await seen.context().close();
  } finally {
    await path.close();
  }
});
