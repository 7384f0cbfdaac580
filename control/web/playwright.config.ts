import { defineConfig } from '@playwright/test';
import flags from './e2e/chromium.json' with { type: 'json' };

/**
 * Sets of journeys. pages and states: against a stand-in in this process, for what a healthy mesh never shows; states
 * are pages without media, so several at once (--workers).
 * mesh: against a running `freshet up`, whose web address is FRESHET_URL (and its JSON line FRESHET_UP).
 * paths: the same, over bad paths and held to times that only an idle machine keeps.
 */
const mesh = process.env['FRESHET_URL'];
if (mesh === undefined) console.warn('FRESHET_URL is not set: the journeys through a real mesh do not run.');

/** Of pages, those that play: in real time. */
const media = /(pages|player)\.spec\.ts$/;

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  forbidOnly: true,
  retries: 0,
  workers: 1, // media in real time: two at once would starve each other
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      headless: true,
      args: [
        ...flags,
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        // The stand-in's edge is a page too: its address must be one that another page can use.
        '--allow-loopback-in-peer-connection',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
      ],
    },
  },
  projects: [
    { name: 'pages', testDir: 'e2e/pages', testMatch: media },
    { name: 'states', testDir: 'e2e/pages', testIgnore: media, fullyParallel: true },
    ...(mesh === undefined
      ? []
      : ['mesh', 'paths'].map(name => ({ name, testDir: `e2e/${name}`, use: { baseURL: mesh } }))),
  ],
});
