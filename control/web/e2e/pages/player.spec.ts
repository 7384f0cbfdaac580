/** The player in the hands of edges that fail, refuse, move and come back. */
import { type Page, expect, test as base } from '@playwright/test';
import {
  expectAccessible,
  expectNoSidewaysScroll,
  expectSmooth,
  onlyRealPresses,
  recordGaps,
  soundLevel,
  untilFrames,
  untilState,
  watchErrors,
} from '../page';
import { StandIn } from '../standin';

/** What Chromium itself prints of an answer that is no success; the player has handled it. */
const answered = [/Failed to load resource/];

const test = base.extend<{ mesh: StandIn; watch: Page }>({
  mesh: async ({ browser }, use) => {
    const mesh = await StandIn.start(browser);
    await use(mesh);
    await mesh.close();
  },
  watch: async ({ page, mesh }, use) => {
    const errors = watchErrors(page, answered);
    await onlyRealPresses(page);
    await page.addInitScript(() => {
      const states: string[] = [];
      Object.assign(globalThis, { states });
      addEventListener('freshet-state', event => {
        states.push((event as CustomEvent<{ state: string }>).detail.state);
      });
    });
    await page.goto(`${mesh.url}/e/sample`);
    await use(page);
    expect(errors).toEqual([]);
  },
});

/** Waits until the states ran through these, in this order: one may be too short to be seen while it lasts. */
const untilStates = (page: Page, ...wanted: string[]) =>
  page.waitForFunction(
    rest => {
      const left = [...rest];
      for (const state of (globalThis as unknown as { states: string[] }).states)
        if (state === left[0]) left.shift();
      return left.length === 0;
    },
    wanted,
    { timeout: 10_000 },
  );

const states = (page: Page) => page.evaluate(() => (globalThis as unknown as { states: string[] }).states);

test('plays muted by itself; one press gives sound', { tag: '@more' }, async ({ watch }) => {
  await untilState(watch, 'playing');
  await untilFrames(watch, 30);
  const video = watch.locator('freshet-player video');
  expect(await video.evaluate((v: HTMLVideoElement) => v.muted)).toBe(true);
  await watch.getByRole('button', { name: 'Turn on sound' }).click();
  expect(await video.evaluate((v: HTMLVideoElement) => v.muted)).toBe(false);
  await expect(watch.getByRole('button', { name: 'Turn on sound' })).toBeHidden();
  expect(await soundLevel(watch, 0.05)).toBeGreaterThan(0.05);
  await expect(watch).toHaveTitle('(Live) sample');
});

for (const idle of [false, true]) {
  const title = idle
    ? 'an edge dies: the next one plays, and nobody is told'
    : 'an edge dies: the next one plays';
  test(title, { tag: idle ? '@idle' : [] }, async ({ watch, mesh }) => {
    await untilState(watch, 'playing');
    await untilFrames(watch, 10);
    await mesh.kill('edge-1');
    await untilStates(watch, 'playing', 'moving', 'playing');
    await untilFrames(watch, 30);
    // On a starved machine the picture may stand for long enough to be told of.
    const told = (await states(watch)).filter(state => idle || state !== 'stalled');
    expect(told).toEqual(['joining', 'playing', 'moving', 'playing']);
    expect(mesh.asked.filter(line => line.startsWith('POST'))).toEqual(['POST edge-1', 'POST edge-2']);
  });
}

test('a move opens the next edge before it closes this one, without a stop of the picture', async ({
  watch,
  mesh,
}, info) => {
  await untilState(watch, 'playing');
  await untilFrames(watch, 30);
  const gaps = await recordGaps(watch);
  await watch.evaluate(() => document.querySelector('freshet-player')?.move());
  await untilStates(watch, 'playing', 'moving', 'playing');
  await untilFrames(watch, 30);
  const order = mesh.asked.filter(line => /^(POST edge-.$|DELETE)/.test(line));
  expect(order).toEqual(['POST edge-1', 'POST edge-2', 'DELETE edge-1']);
  expectSmooth(await gaps(), 300, info);
});

test('not on the air yet: says so, and plays as soon as it starts', async ({ page, mesh }) => {
  for (const edge of mesh.moods.keys()) mesh.moods.set(edge, 'absent');
  await page.goto(`${mesh.url}/e/sample`);
  await untilState(page, 'waiting');
  await expect(page.getByText('Not on the air yet').first()).toBeVisible();
  for (const edge of mesh.moods.keys()) mesh.moods.set(edge, 'well');
  await untilState(page, 'playing');
  await expect(page.locator('freshet-player .card')).toBeHidden();
});

test('the stream leaves the air and comes back', async ({ watch, mesh }) => {
  await untilState(watch, 'playing');
  for (const edge of mesh.moods.keys()) {
    await mesh.kill(edge);
    mesh.moods.set(edge, 'absent');
  }
  await untilState(watch, 'ended');
  await expect(watch.getByText('The stream has left the air').first()).toBeVisible();
  for (const edge of mesh.moods.keys()) mesh.moods.set(edge, 'well');
  await untilState(watch, 'playing');
});

test(
  'a link that is not valid is refused once, with what to do',
  { tag: '@more' },
  async ({ page, mesh }) => {
    mesh.moods.set('edge-1', 'forbidden');
    await page.goto(`${mesh.url}/e/sample`);
    await untilState(page, 'refused');
    await expect(page.getByText('Your link is not valid for this stream.').first()).toBeVisible();
    expect(mesh.asked).toEqual(['OPTIONS edge-1', 'POST edge-1'].filter(line => mesh.asked.includes(line)));
    mesh.moods.set('edge-1', 'well');
    await page.getByRole('button', { name: 'Try again' }).click();
    await untilState(page, 'playing');
  },
);

test('an event that does not exist', { tag: '@more' }, async ({ page, mesh }) => {
  await page.goto(`${mesh.url}/e/nothing-here`);
  await untilState(page, 'refused');
  await expect(page.getByText('There is nothing at this address.').first()).toBeVisible();
});

test(
  'a full edge names the next, and that one is asked at once',
  { tag: '@more' },
  async ({ page, mesh }) => {
    mesh.moods.set('edge-1', { alternate: 'edge-3' });
    await page.goto(`${mesh.url}/e/sample`);
    await untilState(page, 'playing');
    expect(mesh.asked.filter(line => line.startsWith('POST'))).toEqual(['POST edge-1', 'POST edge-3']);
  },
);

test(
  'all edges are dead: the stall is told with its reason, and it ends by itself',
  { tag: '@more' },
  async ({ watch, mesh }) => {
    await untilState(watch, 'playing');
    for (const edge of mesh.moods.keys()) await mesh.kill(edge);
    await untilState(watch, 'stalled');
    await expect(watch.getByText('Reconnecting').first()).toBeVisible();
    await expect(watch.getByText(/No picture for 1\d s/)).toBeVisible({ timeout: 15_000 });
    await expect(watch.getByRole('button', { name: 'Try again' })).toBeVisible();
    for (const edge of mesh.moods.keys()) mesh.moods.set(edge, 'well');
    await untilState(watch, 'playing', 15_000);
    await untilFrames(watch, 10);
  },
);

test('quality: the layers of the edge, sound alone, and the choice outlives a move', async ({
  page,
  mesh,
}) => {
  mesh.layers = [
    { rid: 'l', width: 320, height: 180 },
    { rid: 'h', width: 1280, height: 720 },
  ];
  await page.goto(`${mesh.url}/e/sample`);
  await untilState(page, 'playing');
  const quality = page.getByRole('combobox', { name: 'Quality' });
  await expect(quality.getByRole('option')).toHaveText([/^Auto/, '720p', '180p', 'Sound only']);
  await quality.selectOption('180p');
  await expect.poll(() => mesh.wanted('edge-1')).toEqual({ wanted: 'l', audioOnly: false });
  await page.evaluate(() => document.querySelector('freshet-player')?.move());
  await expect.poll(() => mesh.wanted('edge-2')).toEqual({ wanted: 'l', audioOnly: false });
  await quality.selectOption('Sound only');
  await expect.poll(() => mesh.wanted('edge-2')).toEqual({ wanted: null, audioOnly: true });
});

test('with sound alone no picture is missed', { tag: '@more' }, async ({ watch, mesh }) => {
  mesh.layers = [{ rid: 'h', width: 1280, height: 720 }];
  await untilState(watch, 'playing');
  await watch.evaluate(() => document.querySelector('freshet-player')?.choose('audio'));
  expect(mesh.wanted('edge-1')).toEqual({ wanted: null, audioOnly: true });
  // Its frames are counted until they stand, and then for longer than a stall takes to be told.
  const frames = () =>
    watch.evaluate(() => document.querySelector('freshet-player')?.figures?.framesDecoded ?? 0);
  await expect(async () => {
    const before = await frames();
    await watch.waitForTimeout(4_000);
    expect(await frames()).toBe(before);
  }).toPass({ timeout: 20_000 });
  expect(await states(watch)).toEqual(['joining', 'playing']);
});

test('a key that is held down stops once, and no more', { tag: '@more' }, async ({ watch, mesh }) => {
  await untilState(watch, 'playing');
  for (let i = 0; i < 20; i++) await watch.keyboard.down('k'); // the first press, and nineteen repeats
  await watch.keyboard.up('k');
  expect(await states(watch)).toEqual(['joining', 'playing', 'idle']);
  expect(mesh.asked.filter(line => line.startsWith('POST'))).toEqual(['POST edge-1']);
});

test('a phone that gives full screen to the video alone gets that', { tag: '@more' }, async ({ watch }) => {
  await untilState(watch, 'playing');
  await watch.evaluate(() => {
    Object.defineProperty(document, 'fullscreenEnabled', { value: undefined });
    const video = document.querySelector('freshet-player')?.video;
    if (!video) throw new Error('no player');
    Object.defineProperty(video, 'webkitSupportsFullscreen', { value: true });
    Object.defineProperty(video, 'webkitEnterFullscreen', {
      value: () => {
        video.pause(); // as the phone does when it is left again
        video.dispatchEvent(new Event('webkitendfullscreen'));
      },
    });
  });
  await watch.getByRole('button', { name: 'Full screen' }).click();
  await untilFrames(watch, 5);
});

test(
  'a browser that plays nothing before a press has a button for it',
  { tag: '@more' },
  async ({ page, mesh }) => {
    await page.addInitScript(() => {
      let pressed = false;
      const press = () => {
        pressed = true;
      };
      addEventListener('click', press, { capture: true });
      // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own this below
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () {
        if (pressed) return play.call(this);
        return Promise.reject(new DOMException('saving power', 'NotAllowedError'));
      };
    });
    await page.goto(`${mesh.url}/e/sample?lang=en`);
    await page.locator('freshet-player [part=big-play]').click();
    await untilState(page, 'playing');
    expect(mesh.asked.filter(line => line.startsWith('POST'))).toEqual(['POST edge-1']);
  },
);

test('joining in vain is told with its reason', async ({ page, mesh }) => {
  for (const edge of mesh.moods.keys()) mesh.moods.set(edge, 'full');
  await page.goto(`${mesh.url}/e/sample?lang=en`);
  await expect(page.getByText(/No edge can serve this stream at the moment/).first()).toBeVisible({
    timeout: 20_000,
  });
  for (const edge of mesh.moods.keys()) mesh.moods.set(edge, 'well');
  await page.getByRole('button', { name: 'Try again' }).click();
  await untilState(page, 'playing');
});

test(
  'outside a document nothing plays, and what is set there holds',
  { tag: '@more' },
  async ({ watch, mesh }) => {
    await untilState(watch, 'playing');
    const held = await watch.evaluate(() => {
      const player = document.createElement('freshet-player');
      player.volume = 0.5;
      player.muted = true;
      player.play();
      const before = [player.state, player.volume, player.muted];
      document.body.append(player);
      const within = [player.volume, player.muted];
      player.remove();
      player.play();
      return [before, within, player.state];
    });
    expect(held).toEqual([['idle', 0.5, true], [0.5, true], 'idle']);
    expect(mesh.asked.filter(line => line.startsWith('POST'))).toEqual(['POST edge-1']);
  },
);

test('the edge is told when the page is left', { tag: '@more' }, async ({ watch, mesh }) => {
  await untilState(watch, 'playing');
  await watch.goto('about:blank');
  await expect.poll(() => mesh.asked).toContain('DELETE edge-1');
});

test(
  'the keyboard does all, never while somebody types, and letters can be switched off',
  { tag: '@more' },
  async ({ watch }) => {
    await untilState(watch, 'playing');
    const video = watch.locator('freshet-player video');
    const volume = () => video.evaluate((v: HTMLVideoElement) => [v.muted, v.volume]);
    await watch.keyboard.press('m');
    expect(await volume()).toEqual([false, 1]);
    await watch.keyboard.press('ArrowDown');
    expect(await volume()).toEqual([false, 0.95]);
    await watch.keyboard.press('k');
    await untilState(watch, 'idle');
    await watch.keyboard.press(' ');
    await untilState(watch, 'playing');
    await watch.keyboard.press('d');
    await expect(watch.getByRole('region', { name: 'Details' })).toContainText('edge-1');
    await watch.keyboard.press('f');
    await expect
      .poll(() => watch.evaluate(() => document.fullscreenElement?.localName))
      .toBe('freshet-player');
    await watch.keyboard.press('f');
    await expect.poll(() => watch.evaluate(() => document.fullscreenElement)).toBeNull();

    await watch.keyboard.press('?');
    const list = watch.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await expect(list).toBeVisible();
    await list.getByRole('checkbox').uncheck();
    await watch.keyboard.press('Escape');
    await expect(list).toBeHidden();
    await watch.keyboard.press('k');
    await watch.keyboard.press('m');
    expect(await watch.evaluate(() => document.querySelector('freshet-player')?.state)).toBe('playing');
    expect((await volume())[0]).toBe(false);
  },
);

for (const [language, name, width, colorScheme] of [
  ['en', 'The way to this edge', 1280, 'light'],
  ['fr', "Le chemin jusqu'à ce nœud", 360, 'dark'],
] as const) {
  test(
    `details show the hops in ${language} at ${width}, ${colorScheme}`,
    { tag: '@more' },
    async ({ page, mesh }) => {
      const hop = {
        node: 'edge-1',
        upstream: 'origin-1',
        rtt_ms: 80.5,
        lost: 21,
        repaired_below: 20,
        rate_bps: 2_500_000,
      };
      mesh.hops = [hop, { ...hop, node: 'edge-2', upstream: 'edge-1', lost: 7 }];
      await page.setViewportSize({ width, height: 740 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(`${mesh.url}/e/sample?lang=${language}`);
      await untilState(page, 'playing');
      await page.keyboard.press('d');
      const table = page.getByRole('table', { name });
      await expect(table.getByRole('row')).toHaveCount(3);
      await expect(table.getByRole('row').nth(1)).toContainText('origin-1 → edge-1');
      await expect(table.getByRole('row').nth(2).getByRole('cell').nth(3)).toHaveText('7');
      mesh.hops = [hop, { ...hop, node: 'edge-2', upstream: 'edge-1', lost: 9 }];
      await expect(table.getByRole('row').nth(2).getByRole('cell').nth(3)).toHaveText('9');
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
      mesh.hops = [];
      await expect(table).toBeHidden();
    },
  );
}

test('of an edge that does not tell its way nothing is asked', { tag: '@more' }, async ({ watch, mesh }) => {
  await untilState(watch, 'playing');
  await watch.keyboard.press('d');
  await expect(watch.getByRole('region', { name: 'Details' })).toContainText('edge-1');
  await expect(watch.getByRole('table')).toHaveCount(0);
  expect(mesh.asked.filter(line => line.endsWith('/stats'))).toEqual([]);
});
