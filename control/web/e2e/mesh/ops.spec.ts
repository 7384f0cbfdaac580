/** The ops console of a mesh: whoever sets it up operates it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Page, expect, test } from '@playwright/test';
import { Cluster } from '../cluster';
import { watchErrors } from '../page';
import { Up } from '../up';

async function setUp(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/setup?lang=en`);
  await page.getByLabel('Name of the account').fill('Delta');
  await page.getByLabel('Your name').fill('Ana');
  await page.getByLabel('Email').fill('ana@delta.example');
  await page.getByLabel('Password', { exact: true }).fill('snow melts in may');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('link', { name: 'Operations' }).first().click();
}

test(
  'an edge is cordoned and taken back; why a session is at its edge',
  { tag: '@more' },
  async ({ page }) => {
    const up = await Up.start();
    let plays: ChildProcess | undefined;
    try {
      const errors = watchErrors(page);
      await setUp(page, up.url);
      for (const node of ['control-1', 'origin-1', 'edge-1', 'edge-2', 'edge-3'])
        await expect(page.getByRole('row', { name: new RegExp(`^${node} `) })).toContainText('Alive');
      await expect(page.getByText('Nothing is wrong.')).toBeVisible();
      await expect(page.getByRole('list', { name: 'Relay tree of sample' })).toContainText('origin-1');

      const edge = page.getByRole('row', { name: /^edge-3 / });
      await edge.getByRole('button', { name: 'Cordon: edge-3' }).click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Cordon edge-3' }).click();
      await expect(edge).toContainText('Cordoned');
      await expect(page.getByText('edge-3 is cordoned')).toBeVisible();
      await edge.getByRole('button', { name: 'Take back: edge-3' }).click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Take edge-3 back' }).click();
      await expect(edge).not.toContainText('Cordoned');
      await expect(page.getByText('Nothing is wrong.')).toBeVisible();

      const joined = await page.request.post(`${up.url}/api/v1/events/sample/join`, { data: {} });
      const { session, edges } = (await joined.json()) as {
        session: string;
        edges: { node: string; whep: string }[];
      };
      const { node, whep } = edges[0] ?? { node: '', whep: '' };
      plays = spawn(process.env['FRESHET'] ?? '', ['play', `${whep}/sample`], { stdio: 'ignore' });
      await expect(page.getByRole('list', { name: 'Relay tree of sample' })).toContainText(node);
      await page.getByLabel('Id of a session').fill(session);
      await page.getByRole('button', { name: 'Say why this edge' }).click();
      await expect(page.getByRole('row', { name: new RegExp(`^${node} `) })).toContainText('chosen');
      await expect(page.getByText(new RegExp(`origin-1.* → ${node} \\(.*[0-9.]+ % lost`))).toBeVisible();
      expect(errors).toEqual([]);
    } finally {
      plays?.kill();
      await up.stop();
    }
  },
);

/** NET-13: how long after it a fault is seen at most. */
const seenWithin = 5000;

test('the death of a node is seen within five seconds', { tag: '@more' }, async ({ page }, info) => {
  test.setTimeout(180_000);
  const cluster = await Cluster.start();
  try {
    await cluster.join('origin-1', 'origin', 'yul');
    await cluster.join('edge-1', 'edge', 'par');
    await cluster.join('edge-2', 'edge', 'sin');
    await setUp(page, cluster.url);
    for (const node of ['control-1', 'origin-1', 'edge-1', 'edge-2'])
      await expect(page.getByRole('row', { name: new RegExp(`^${node} `) })).toContainText('Alive');
    await expect(page.getByText('Nothing is wrong.')).toBeVisible();
    await expect(page.getByRole('img', { name: 'Map with 4 nodes' })).toBeVisible();

    for (const node of ['edge-2', 'origin-1']) {
      const killed = Date.now();
      cluster.die(node, 'kill');
      await expect(
        page.getByText(new RegExp(`${node} (does not answer|has gone silent|has failed)`)),
      ).toBeVisible({
        timeout: seenWithin,
      });
      info.annotations.push({ type: 'seen', description: `${node}: ${Date.now() - killed} ms` });
      await expect(page.getByText(`${node} has failed`)).toBeVisible({ timeout: 20_000 });
      await expect(page.getByRole('row', { name: new RegExp(`^${node} `) })).toContainText('Failed');
    }
    console.log(info.annotations.map(({ description }) => description).join(', '));
    expect(await cluster.ask('status')).toContain('edge-2 has failed');
    await cluster.ask('cordon', 'edge-1');
    await expect(page.getByText('edge-1 is cordoned')).toBeVisible({ timeout: seenWithin });
    const done = page.getByRole('list', { name: 'What was done' }).getByRole('listitem').first();
    await expect(done).toContainText(/Cordon edge-1.*done.*a command on control-1/);
    await page.screenshot({ path: info.outputPath('killed.png'), fullPage: true });
  } finally {
    await cluster.stop();
  }
});
