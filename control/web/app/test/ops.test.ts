import { expect, test } from 'vitest';
import { type MeshNode, type MeshStream } from '../shell/api';
import { aside, gap, linesOf, marksOf } from '../ops/marks';
import { type Branch, treeOf } from '../ops/tree';

const hop = (node: string, hops: number, upstream?: string): MeshStream['hops'][number] => ({
  node,
  hops,
  ...(upstream === undefined ? {} : { upstream }),
  viewers: 0,
  live: true,
  epoch: 1,
});
const stream = (...hops: MeshStream['hops']): MeshStream => ({
  id: 's',
  live: true,
  epoch: 1,
  viewers: 0,
  hubs: [{ node: 'b' }],
  hops,
});
/** As "a(b(c))". */
const text = (branches: readonly Branch[]): string =>
  branches.map(({ hop: { node }, below }) => (below.length > 0 ? `${node}(${text(below)})` : node)).join(' ');

test.each([
  ['nobody', stream(), ''],
  ['the origin alone', stream(hop('a', 0)), 'a'],
  [
    'a chain and a side way',
    stream(hop('a', 0), hop('b', 1, 'a'), hop('c', 2, 'b'), hop('d', 1, 'a')),
    'a(b(c) d)',
  ],
  ['an upstream that says nothing', stream(hop('a', 0), hop('c', 2, 'gone')), 'a c'],
  ['two that name each other', stream(hop('a', 0), hop('b', 1, 'c'), hop('c', 1, 'b')), 'a b(c)'],
  ['one that names itself', stream(hop('b', 1, 'b')), 'b'],
])('the tree of %s', (_, given, want) => {
  expect(text(treeOf(given, []))).toBe(want);
});

test('a hub is named, and a hop has its round trip', () => {
  const [top] = treeOf(stream(hop('a', 0), hop('b', 1, 'a')), [{ a: 'a', b: 'b', rttMs: 3, streams: 1 }]);
  expect(top?.hub).toBe(false);
  expect(top?.below[0]).toMatchObject({ hub: true, rttMS: 3 });
});

const at = (node: string, x: number, y: number, more: Partial<MeshNode> = {}): MeshNode => ({
  node,
  role: 'edge',
  status: 'alive',
  admin: 'in',
  heard: 0,
  viewers: 0,
  load: 0,
  streams: 0,
  lon: x,
  lat: y,
  ...more,
});
const flat = (place: [number, number]) => place;

test('marks of a hundred nodes in one place do not lie on one another', () => {
  const marks = marksOf(
    { nodes: Array.from({ length: 100 }, (_, i) => at(`e${i}`, 5, 5)), streams: [] },
    flat,
  );
  expect(marks).toHaveLength(100);
  expect(marks.filter(({ label }) => label)).toHaveLength(1);
  for (const [i, a] of marks.entries())
    for (const b of marks.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(0.95 * gap);
  expect(aside(0)).toEqual([0, 0]);
  expect(Math.hypot(...aside(6))).toBeCloseTo(gap);
  expect(Math.hypot(...aside(7))).toBeCloseTo(2 * gap);
});

test('a mark that is alone stands where its node is; one whose place is not known has none', () => {
  const nowhere = at('x', 0, 0);
  delete nowhere.lat;
  const nodes = [at('a', 5, 5), at('o', 90, 5, { role: 'origin' }), at('h', 5, 90), nowhere];
  const marks = marksOf({ nodes, streams: [stream()].map(one => ({ ...one, hubs: [{ node: 'h' }] })) }, flat);
  expect(marks.map(({ node, shape, x, y }) => [node.node, shape, x, y])).toEqual([
    ['a', 'edge', 5, 5],
    ['o', 'origin', 90, 5],
    ['h', 'hub', 5, 90],
  ]);
});

test('a line is cut where an end is dead, and dashed to a standby that carries nothing', () => {
  const nodes = [
    at('o', 0, 0, { role: 'origin' }),
    at('s', 50, 0, { role: 'origin' }),
    at('e', 0, 50),
    at('d', 50, 50, { status: 'failed' }),
  ];
  const streams = [{ ...stream(), origin: 'o', standby: 's' }];
  const links = [
    { a: 'o', b: 'e', streams: 1, kbps: 3000 },
    { a: 'o', b: 'd', streams: 1 },
    { a: 'o', b: 'gone', streams: 1 },
  ];
  const lines = linesOf({ links, streams }, marksOf({ nodes, streams }, flat));
  expect(lines.map(({ key, kind, kbps }) => [key, kind, kbps])).toEqual([
    ['o e', 'carries', 3000],
    ['o d', 'cut', 0],
    ['o s', 'standby', 0],
  ]);
});
