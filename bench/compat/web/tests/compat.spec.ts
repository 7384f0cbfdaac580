import { expect, type Browser, type Page } from "@playwright/test";
import type {} from "../page/clients.js";
import type { PlayerName } from "../page/play.js";
import type { PublisherName } from "../page/publish.js";
import { farthest, ingest, live, mesh } from "./mesh.js";
import { open, test } from "./site.js";

const up = mesh();
test.skip(!up, "FRESHET_UP is not set; `make -C bench/compat web` starts a mesh and sets it");

const publishers: { name: PublisherName; codec: string }[] = [
  { name: "whip-whep", codec: "video/VP8" },
  { name: "whip-whep", codec: "video/H264" },
  { name: "@eyevinn/whip-web-client", codec: "video/VP8" },
];
const players: PlayerName[] = ["whip-whep", "@eyevinn/webrtc-player"];

/**
 * Faults of the clients themselves, which harm nothing: whip-whep 1.2.0 does not keep the ETag of a WHEP
 * session, so that its PATCH carries no If-Match, and is answered 428 as RFC 9725, section 4.3.1 has it.
 */
const faults = [/Request rejected with status 428/, /the server responded with a status of 428/];

for (const { name, codec } of publishers) {
  test(`${name} publishes ${codec}, every client plays it`, async ({ browser, site }) => {
    await onAir(browser, site, name, codec, async () => {});
  });
}

test("whip-whep restarts ICE while it publishes", async ({ browser, site }) => {
  test.skip(!up!.control, "a mirror restarts no ICE");
  await onAir(browser, site, "whip-whep", "video/VP8", async (publisher, viewers) => {
    const { before, after } = await publisher.evaluate(() => window.compat.restart());
    expect(after).not.toBe(before);
    for (const viewer of viewers) await moves(viewer);
  });
});

/** Publishes, has every player play, and runs then; at the end all sessions are closed, come what may. */
async function onAir(
  browser: Browser,
  site: string,
  name: PublisherName,
  codec: string,
  then: (publisher: Page, viewers: Page[]) => Promise<void>,
): Promise<void> {
  const m = up!;
  const { page: publisher, errors } = await open(browser, site, ["camera", "microphone"]);
  const viewers: Page[] = [];
  const uncaught = [errors];
  try {
    await publisher.evaluate(([n, url, key, c]) => window.compat.publish(n, url, key, c), [name, ingest(m), m.key, codec] as const);
    await expect
      .poll(() => publisher.evaluate(() => window.compat.sending()), { timeout: 15_000 })
      .toEqual({ state: "connected", codec, frames: expect.any(Number) });
    await expect.poll(() => live(m), { timeout: 15_000 }).toBe(true);
    for (const player of players) {
      const viewer = await open(browser, site);
      viewers.push(viewer.page);
      uncaught.push(viewer.errors);
      await viewer.page.evaluate(([n, url]) => window.compat.play(n, url), [player, farthest(m)] as const);
      await test.step(`${player} plays`, () => moves(viewer.page));
    }
    await then(publisher, viewers);
  } finally {
    for (const page of [...viewers, publisher]) {
      await page.evaluate(() => window.compat.stop());
      await page.context().close();
    }
  }
  expect(uncaught.flat().filter((e) => !faults.some((f) => f.test(e)))).toEqual([]);
}

/** The picture has the camera's size and 60 more frames of it, not all the same, and there is sound. */
async function moves(page: Page): Promise<void> {
  const see = () => page.evaluate(() => window.compat.seen());
  await expect.poll(async () => (await see()).width, { timeout: 20_000 }).toBeGreaterThan(0);
  const first = await see();
  await expect.poll(async () => (await see()).frames, { timeout: 15_000 }).toBeGreaterThanOrEqual(first.frames + 60);
  const last = await see();
  expect(last.width / last.height).toBeCloseTo(640 / 480, 1);
  expect(last.picture).not.toBe(first.picture);
  await expect.poll(async () => (await see()).level, { timeout: 10_000 }).toBeGreaterThan(0.01);
}
