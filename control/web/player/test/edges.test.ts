import { expect, test } from 'vitest';
import { Edges, failedForMS } from '../src/edges';

const edge = (node: string) => ({ node, region: 'yul', whep: `https://${node}/whep/s` });
const ranked = [edge('a'), edge('b'), edge('c')];

test('the best edge that has not failed lately is picked', () => {
  const edges = new Edges(ranked);
  expect(edges.pick(0)?.node).toBe('a');
  edges.fail('https://a/whep/s', 0);
  expect(edges.pick(1)?.node).toBe('b');
  expect(edges.pick(failedForMS - 1)?.node).toBe('b');
  expect(edges.pick(failedForMS)?.node).toBe('a');
});

test('when all have failed, the one whose failure is oldest', () => {
  const edges = new Edges(ranked);
  edges.fail('https://b/whep/s', 0);
  edges.fail('https://a/whep/s', 10);
  edges.fail('https://c/whep/s', 20);
  expect(edges.exhausted(30)).toBe(true);
  expect(edges.pick(30)?.node).toBe('b');
});

test('a newer ranking keeps what is known of failures', () => {
  const edges = new Edges(ranked);
  edges.fail('https://a/whep/s', 0);
  edges.replace([edge('a'), edge('d')]);
  expect(edges.pick(1)?.node).toBe('d');
});

test('an edge that another one names comes first', () => {
  const edges = new Edges(ranked);
  edges.prefer('https://c/whep/s');
  expect(edges.pick(0)?.node).toBe('c');
  edges.prefer('https://z/whep/s');
  expect(edges.pick(0)?.whep).toBe('https://z/whep/s');
});

test('edges that name ever new edges cannot grow the list without bound', () => {
  const edges = new Edges(ranked);
  for (let i = 0; i < 100; i++) edges.prefer(`https://e${i}/whep/s`);
  const picked = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const next = edges.pick(i);
    if (next) {
      picked.add(next.whep);
      edges.fail(next.whep, i);
    }
  }
  expect(picked.size).toBe(8);
});

test('without edges there is nothing to pick', () => {
  expect(new Edges().pick(0)).toBeUndefined();
});

test('of those that fit, the best that has not failed lately; none rather than one that has', () => {
  const edges = new Edges(ranked);
  const beside = ({ node }: { node: string }) => node !== 'a';
  expect(edges.among(beside, 0)?.node).toBe('b');
  edges.failAll(({ node }) => node !== 'c', 0);
  expect(edges.among(beside, 1)?.node).toBe('c');
  edges.fail('https://c/whep/s', 1);
  expect(edges.among(beside, 2)).toBeUndefined();
  expect(edges.among(beside, failedForMS)?.node).toBe('b');
});
