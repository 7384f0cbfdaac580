/** The ops console, in the states that a mesh comes into. */
import { expect } from '@playwright/test';
import { type Answer, type Answers, anaAs, problem } from '../answers';
import { expectAccessible, expectNoSidewaysScroll } from '../page';
import { type State, lookAtEach, test, visit } from '../states';

const me = anaAs('owner', { ops: true });
const places = {
  yul: { lat: 45.5, lon: -73.6 },
  par: { lat: 48.9, lon: 2.4 },
  sin: { lat: 1.4, lon: 103.8 },
};
const node = (name: string, role: string, more: Record<string, unknown> = {}) => ({
  node: name,
  role,
  region: 'yul',
  software: '1.4.0',
  status: 'alive',
  since: 900,
  admin: 'in',
  heard: 0.4,
  viewers: 0,
  load: 0,
  streams: 0,
  certificateEnds: '2026-11-27T11:00:00Z',
  ...places[(more['region'] ?? 'yul') as keyof typeof places],
  ...more,
});
const nodes = [
  node('control-1', 'control'),
  node('edge-1', 'edge', { viewers: 412, load: 0.42, streams: 1 }),
  node('edge-2', 'edge', { region: 'par', viewers: 120, load: 0.13, streams: 1 }),
  node('edge-3', 'edge', { region: 'sin', admin: 'cordoned' }),
  node('origin-1', 'origin', { streams: 1 }),
];
const hop = (name: string, hops: number, upstream?: string, viewers = 0) => ({
  node: name,
  hops,
  ...(upstream === undefined ? {} : { upstream }),
  viewers,
  live: true,
  epoch: 7,
});
const stream = {
  id: 'launch-main',
  live: true,
  origin: 'origin-1',
  standby: 'origin-2',
  epoch: 7,
  viewers: 532,
  hubs: [{ node: 'edge-1', region: 'yul' }],
  hops: [
    hop('origin-1', 0),
    hop('edge-1', 1, 'origin-1', 412),
    { ...hop('edge-2', 2, 'edge-1', 120), kbps: 364, unwatched: 2, savedKbps: 3400 },
    hop('edge-9', 2, 'edge-8'),
  ],
};
const quorum = {
  leader: 'control-1',
  state: 'leader',
  term: 4,
  commit: 1204,
  applied: 1198,
  peers: [{ node: 'control-2', addr: '192.0.2.2:8081', voter: true, answers: true, applied: 1198 }],
};
const view = (more: Record<string, unknown> = {}) => ({
  node: 'control-1',
  at: '2026-11-26T19:05:00Z',
  quorum,
  nodes,
  streams: [stream],
  links: [
    { a: 'origin-1', b: 'edge-1', rttMs: 1.4, streams: 1, kbps: 3764 },
    { a: 'edge-1', b: 'edge-2', rttMs: 84.2, streams: 1, kbps: 364, savedKbps: 3400 },
  ],
  lines: [
    { a: 'par', b: 'sin', price: 10.7, links: 0, rttMs: 164.2 },
    { a: 'par', b: 'yul', price: 5.5, links: 2, rttMs: 84.2, kbps: 4128, lossPercent: 18 },
    { a: 'sin', b: 'yul', price: 14.8, links: 0 },
  ],
  viewers: 532,
  keys: [
    { kind: 'gossip', inUse: true, at: '2026-11-02T08:00:00Z' },
    { kind: 'signing', inUse: true, at: '2026-11-02T08:00:00Z' },
    { kind: 'signing', inUse: false, at: '2026-11-26T19:01:00Z' },
  ],
  databaseAway: false,
  alerts: [{ kind: 'node-cordoned', severity: 'amber', node: 'edge-3', since: -1, viewers: 0 }],
  ...more,
});
const entry = (second: number, action: string, more: Record<string, unknown> = {}) => ({
  at: `2026-11-26T19:04:${second}Z`,
  action,
  by: 'control-1',
  outcome: 'done',
  ...more,
});
const log: Answer = {
  body: [
    entry(40, 'cordon', { node: 'edge-3', person: '0198a000-0000-7000-8000-00000000000a' }),
    entry(31, 'drain', {
      node: 'edge-2',
      asked: 'control-2',
      outcome: 'refused',
      why: 'No control node leads, so nothing was decided. Media goes on.',
    }),
    entry(22, 'token', { role: 'edge', person: '0198a000-0000-7000-8000-00000000000b' }),
    entry(11, 'gossip-keys', { asked: 'control-1', outcome: 'open' }),
  ],
};
const shows = (more: Record<string, unknown> = {}): Answers => ({
  'GET /me': me,
  'GET /ops/mesh': { body: view(more) },
  'GET /ops/log': log,
});
/** Answers once, and fails from then on. */
const once = (): (() => Answer) => {
  let asked = 0;
  return () =>
    asked++ === 0
      ? { body: view({ alerts: [] }) }
      : problem(500, 'internal', { instance: '/problems/log/9' });
};

const session = '0198a000-0000-7000-8000-000000000001';
const why: Answer = {
  body: {
    at: '2026-11-26T19:02:00Z',
    country: 'FR',
    city: 'Lyon',
    measured: true,
    choice: 'edge-2',
    candidates: [
      {
        node: 'edge-2',
        region: 'par',
        km: 392,
        rttMs: 12.4,
        load: 0.13,
        path: 12,
        busy: 5,
        health: 0,
        score: 17,
      },
      {
        node: 'edge-1',
        region: 'yul',
        load: 0.95,
        path: 84,
        busy: 38,
        health: 100,
        score: 222,
        verdict: 'over',
      },
    ],
    failed: [{ node: 'edge-3', at: '2026-11-26T19:01:50Z' }],
    paths: [
      {
        stream: 'launch-main',
        whole: true,
        steps: [
          { node: 'origin-1', live: true },
          { node: 'edge-1', rttMs: 1.4, lossPercent: 0, live: true },
          { node: 'edge-2', rttMs: 84.2, lossPercent: 1.5, live: true },
        ],
      },
    ],
  },
};

const states: State[] = [
  {
    name: 'ops session',
    path: `/ops/sessions/${session}`,
    answers: { 'GET /me': me, [`GET /ops/sessions/${session}`]: why },
    en: 'origin-1 → edge-1 (1.4 ms, 0 % lost) → edge-2 (84 ms, 1.5 % lost)',
    fr: 'origin-1 → edge-1 (1,4 ms, 0 % perdus) → edge-2 (84 ms, 1,5 % perdus)',
  },
  {
    name: 'ops session unknown',
    path: `/ops/sessions/${session}`,
    answers: { 'GET /me': me, [`GET /ops/sessions/${session}`]: problem(404, 'session-unknown') },
    en: 'No control node that answers has placed that session in the last day',
    fr: "Aucun nœud de contrôle joignable n'a placé cette session depuis un jour",
  },
  {
    name: 'ops identity',
    path: '/ops/identity',
    answers: shows(),
    en: 'Known, not in use',
    fr: 'Connue, pas en service',
  },
  {
    name: 'ops links',
    path: '/ops/links',
    answers: shows({
      links: [
        { a: 'origin-1', b: 'edge-1', rttMs: 1.4, streams: 1, kbps: 3764 },
        { a: 'edge-1', b: 'edge-2', rttMs: 84.2, streams: 1, kbps: 364, lossPercent: 18 },
      ],
    }),
    en: '18 % lost',
    fr: '18\u00a0% perdus',
  },
  {
    name: 'ops links of one region',
    path: '/ops/links',
    answers: shows({ links: [], lines: [] }),
    en: 'There is one region.',
    fr: "Il n'y a qu'une région.",
  },
  {
    name: 'ops link lossy',
    path: '/ops',
    answers: shows({
      links: [{ a: 'edge-1', b: 'edge-2', rttMs: 84.2, streams: 1, kbps: 364, lossPercent: 8.5 }],
      alerts: [
        {
          kind: 'link-lossy',
          severity: 'amber',
          node: 'edge-2',
          upstream: 'edge-1',
          percent: 8.5,
          since: -1,
          viewers: 31,
        },
      ],
    }),
    en: 'The link from edge-1 to edge-2 loses 8.5 % of its packets',
    fr: 'Le lien de edge-1 à edge-2 perd 8,5\u00a0% de ses paquets',
  },
  { name: 'ops', path: '/ops', answers: shows(), en: 'edge-3 is cordoned', fr: "edge-3 est à l'écart" },
  {
    name: 'ops healthy',
    path: '/ops',
    answers: shows({ alerts: [] }),
    en: 'Nothing is wrong.',
    fr: 'Tout va bien.',
  },
  {
    name: 'ops node failed',
    path: '/ops',
    answers: shows({
      nodes: nodes.map(one =>
        one.node === 'edge-2' ? { ...one, status: 'failed', viewers: 0, heard: 12.3, since: 7 } : one,
      ),
      alerts: [
        { kind: 'node-failed', severity: 'red', node: 'edge-2', since: 7, viewers: 0 },
        {
          kind: 'stream-stale',
          severity: 'red',
          node: 'origin-1',
          stream: 'launch-main',
          since: -1,
          viewers: 412,
        },
      ],
    }),
    en: 'edge-2 has failed',
    fr: 'edge-2 est en panne',
  },
  {
    name: 'ops no leader',
    path: '/ops',
    answers: shows({
      quorum: {
        ...quorum,
        leader: undefined,
        state: 'candidate',
        trouble: 'no answer of a majority',
        peers: [{ ...quorum.peers[0], answers: false }],
      },
      databaseAway: true,
      alerts: [
        { kind: 'no-leader', severity: 'amber', since: -1, viewers: 0 },
        {
          kind: 'control-trouble',
          severity: 'amber',
          node: 'control-1',
          since: -1,
          viewers: 0,
          detail: 'no answer of a majority',
        },
        { kind: 'control-silent', severity: 'amber', node: 'control-2', since: -1, viewers: 0 },
        { kind: 'database-away', severity: 'amber', node: 'control-1', since: -1, viewers: 0 },
      ],
    }),
    en: 'Placement waits, media goes on.',
    fr: 'Le placement attend, les médias continuent.',
  },
  {
    name: 'ops empty',
    path: '/ops',
    answers: {
      ...shows({
        nodes: [],
        streams: [],
        links: [],
        viewers: 0,
        alerts: [],
        quorum: { ...quorum, peers: [] },
      }),
      'GET /ops/log': { body: [] },
    },
    en: 'No stream is placed',
    fr: "Aucun flux n'est placé",
  },
  {
    name: 'ops of no cluster',
    path: '/ops',
    answers: { 'GET /me': me, 'GET /ops/mesh': problem(503, 'no-cluster') },
    en: 'This control node is in no cluster',
    fr: "Ce nœud de contrôle n'est dans aucune grappe",
  },
  {
    name: 'ops not allowed',
    path: '/ops',
    answers: { 'GET /me': anaAs('owner', { ops: false }) },
    en: 'This is for whoever operates the installation',
    fr: "Cette page est réservée à qui exploite l'installation",
  },
];

lookAtEach(states, new Date('2026-11-26T19:05:00Z'));

test('what was read last stays, dimmed and with its age, while nothing newer comes', async ({
  page,
  mesh,
}, info) => {
  const errors = await visit(page, mesh, '/ops', {
    'GET /me': me,
    'GET /ops/mesh': once(),
    'GET /ops/log': log,
  });
  await expect(page.getByText('s old, nothing newer comes')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await expect(page.getByRole('row', { name: /edge-1/ })).toContainText('412');
  await page.screenshot({ path: info.outputPath('stale.png'), fullPage: true });
  await expectAccessible(page);
  expect(errors).toEqual([]);
});

test('figures are read anew each second', async ({ page, mesh }) => {
  let viewers = 100;
  const errors = await visit(page, mesh, '/ops', {
    'GET /me': me,
    'GET /ops/log': log,
    'GET /ops/mesh': () => ({ body: view({ viewers: viewers++ }) }),
  });
  await expect(page.getByText('103', { exact: true })).toBeVisible();
  expect(errors).toEqual([]);
});

test('a node is drained by keyboard, after a question; a refusal says why', async ({ page, mesh }, info) => {
  let admin = 'in';
  let tries = 0;
  const sent: unknown[] = [];
  const errors = await visit(page, mesh, '/ops', {
    'GET /me': me,
    'GET /ops/log': log,
    'GET /ops/mesh': () => ({
      body: view({ nodes: nodes.map(one => (one.node === 'edge-1' ? { ...one, admin } : one)), alerts: [] }),
    }),
    'PUT /ops/nodes/edge-1/state': request => {
      if (++tries === 1) return problem(503, 'no-leader', {});
      sent.push(request.postDataJSON());
      admin = (request.postDataJSON() as { state: string }).state;
      return { status: 204 };
    },
  });
  await page.getByRole('button', { name: 'Drain: edge-1' }).press('Enter');
  const dialog = page.getByRole('alertdialog', { name: 'Drain edge-1?' });
  await expect(dialog).toContainText('412 viewers and 1 stream');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Drain edge-1' }).press('Enter');
  await expect(dialog.getByText('No control node leads')).toBeVisible();
  await expect(page.getByText("Changes can't be saved")).toHaveCount(0); // that is of the database
  await page.screenshot({ path: info.outputPath('refused.png') });
  await dialog.getByRole('button', { name: 'Drain edge-1' }).press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('row', { name: /edge-1/ })).toContainText('Draining');
  await expect(page.getByRole('button', { name: 'Drain: edge-1' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Take back: edge-1' }).press('Enter');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Take edge-1 back' }).press('Enter');
  await expect(page.getByRole('row', { name: /edge-1/ })).not.toContainText('Draining');
  expect(sent).toEqual([{ state: 'draining' }, { state: 'in' }]);
  expect(errors).toEqual([]);
});

test('a database that is away is said in the banner, and no more once it is back', async ({ page, mesh }) => {
  let databaseAway = true;
  const errors = await visit(page, mesh, '/ops', {
    'GET /me': me,
    'GET /ops/log': log,
    'GET /ops/mesh': () => ({ body: view({ databaseAway }) }),
  });
  const banner = page.getByText("Changes can't be saved right now");
  await expect(banner).toBeVisible();
  databaseAway = false;
  await expect(banner).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('all places of the bar are in sight on a phone', async ({ page, mesh }) => {
  const errors = await visit(page, mesh, '/ops', {
    ...shows(),
    'GET /me': anaAs('owner', {
      ops: true,
      account: {
        id: 'd',
        name: 'Delta',
        role: 'owner',
        may: ['see-contacts', 'see-members', 'edit-account'],
      },
    }),
  });
  await page.setViewportSize({ width: 360, height: 740 });
  const bar = page.getByRole('navigation', { name: 'Settings' });
  for (const name of ['Calendar', 'Contacts', 'Operations', 'Settings'])
    await expect(bar.getByRole('link', { name })).toBeInViewport({ ratio: 1 });
  await expect(bar.getByRole('link')).toHaveCount(4);
  await bar.getByRole('link', { name: 'Settings' }).click();
  await expect(bar.getByRole('link', { name: 'Members' })).toBeAttached();
  await expect(bar.getByRole('link', { name: 'Operations' })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('the log says who did what, and what came of it', async ({ page, mesh }) => {
  const errors = await visit(page, mesh, '/ops', shows());
  const rows = page.getByRole('list', { name: 'What was done' }).getByRole('listitem');
  await expect(rows).toHaveCount(4);
  await expect(rows.nth(0)).toContainText(/Cordon edge-3.*done.* you .*control-1/);
  await expect(rows.nth(1)).toContainText(
    /Drain edge-2.*refused.*a command on control-2.*No control node leads/,
  );
  await expect(rows.nth(2)).toContainText(/join token: edge.*person 0198a000-0000-7000-8000-00000000000b/);
  await expect(rows.nth(3)).toContainText(/gossip key.*outcome not known/);
  expect(errors).toEqual([]);
});

test('the map is behind a button on a phone, and says all in its list', async ({ page, mesh }, info) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const errors = await visit(page, mesh, '/ops', shows());
  await page.getByRole('button', { name: 'Show the map' }).press('Enter');
  await expect(page.getByRole('img', { name: 'Map with 5 nodes and 2 links' })).toBeVisible();
  const list = page.getByRole('group', { name: 'What the map shows' });
  await expect(list).toContainText(/par.*edge-2.*edge.*Alive/);
  await expect(list).toContainText('edge-1 → edge-2 84 ms · 0.4 Mbit/s · 1 stream · spares 3.4 Mbit/s');
  await expect(page.getByRole('list', { name: 'Relay tree of launch-main' })).toContainText(
    'without 2 layers that nobody watches: 3.4 Mbit/s spared',
  );
  await page.screenshot({ path: info.outputPath('map.png'), fullPage: true });
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByRole('button', { name: 'Hide the map' }).press('Enter');
  await expect(list).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('a hundred nodes and five hundred links are drawn', async ({ page, mesh }, info) => {
  const regions = ['yul', 'par', 'sin'];
  const many = Array.from({ length: 100 }, (_, i) =>
    node(`edge-${i}`, i === 0 ? 'origin' : 'edge', { region: regions[i % 3] }),
  );
  const links = Array.from({ length: 500 }, (_, i) => ({
    a: `edge-${i % 25}`,
    b: `edge-${25 + ((i * 7 + Math.floor(i / 25)) % 75)}`,
    rttMs: i,
    streams: 1,
    kbps: 3000,
  }));
  const errors = await visit(page, mesh, '/ops', shows({ nodes: many, links, streams: [] }));
  await expect(page.getByRole('img', { name: 'Map with 100 nodes and 500 links' })).toBeVisible();
  await page.screenshot({ path: info.outputPath('many.png') });
  await expect(page.getByText('0 s old')).toBeVisible();
  expect(errors).toEqual([]);
});

test('a session is found by a line of a log, and its report is copied', async ({ page, mesh, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const errors = await visit(page, mesh, '/ops', { ...shows(), [`GET /ops/sessions/${session}`]: why });
  const field = page.getByLabel('Id of a session');
  await field.fill('main');
  await field.press('Enter');
  await expect(page.getByText('A session id has 36 characters')).toBeVisible();
  await field.fill(`level=INFO msg=joined session=${session.toUpperCase()} edge=edge-2`);
  await field.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Why this edge' })).toBeVisible();
  await expect(page.getByRole('row', { name: /edge-2/ })).toContainText('chosen');
  await expect(page.getByRole('row', { name: /edge-1/ })).toContainText('almost full');
  await expect(
    page.getByText('origin-1 → edge-1 (1.4 ms, 0 % lost) → edge-2 (84 ms, 1.5 % lost)'),
  ).toBeVisible();
  await page.getByRole('button', { name: 'Copy report' }).press('Enter');
  const report = await page.evaluate(() => navigator.clipboard.readText());
  expect(report.split('\n')).toEqual([
    `Session ${session}`,
    '2026-11-26T19:02:00Z',
    'Choice: edge-2',
    'edge-2\tpar\t392 km\t12 ms\t13%\t17 = 12 way + 5 load + 0 silence\t',
    'edge-1\tyul\t–\t–\t95%\t222 = 84 way + 38 load + 100 silence\talmost full',
    'edge-3 failed the viewer 2026-11-26T19:01:50Z',
    'launch-main: origin-1 → edge-1 (1.4 ms, 0 % lost) → edge-2 (84 ms, 1.5 % lost)',
  ]);
  expect(errors).toEqual([]);
});

test('a join token is shown once, with its command; keys are changed after a question', async ({
  page,
  mesh,
}, info) => {
  const sent: unknown[] = [];
  let tries = 0;
  const errors = await visit(page, mesh, '/ops/identity', {
    ...shows(),
    'POST /ops/tokens': request => {
      sent.push(request.postDataJSON());
      return {
        body: {
          token: 'fj-secret',
          role: 'origin',
          region: 'par',
          expires: '2026-11-26T19:15:00Z',
          join: '192.0.2.1:8081',
        },
      };
    },
    'POST /ops/gossip-keys': () => (tries++ === 0 ? problem(409, 'rotating') : { status: 204 }),
    'POST /ops/signing-keys': () => {
      sent.push('signing');
      return { status: 204 };
    },
  });
  await page.getByLabel('The machine becomes').selectOption('origin');
  await page.getByLabel('Region').fill('PAR');
  await page.getByRole('button', { name: 'Make a join token' }).press('Enter');
  const shown = page.getByRole('alertdialog', { name: 'The token is made' });
  await expect(shown).toContainText('freshet origin --join 192.0.2.1:8081 --token fj-secret');
  await page.screenshot({ path: info.outputPath('token.png') });
  await expectAccessible(page);
  await shown.getByRole('button').last().press('Enter');
  await expect(page.getByText('fj-secret')).toHaveCount(0);
  const act = (name: string) => page.getByRole('button', { name });
  await act('Change the gossip key').press('Enter');
  const asks = page.getByRole('alertdialog');
  await asks.getByRole('button', { name: 'Change the gossip key' }).press('Enter');
  await expect(asks).toContainText('being changed already');
  await asks.getByRole('button', { name: 'Change the gossip key' }).press('Enter');
  await expect(asks).toHaveCount(0);
  await act('Change the key of viewer tokens').press('Enter');
  await asks.getByRole('button', { name: 'Change the key of viewer tokens' }).press('Enter');
  await expect(asks).toHaveCount(0);
  expect(sent).toEqual([{ role: 'origin', region: 'par' }, 'signing']);
  expect(errors).toEqual([]);
});
