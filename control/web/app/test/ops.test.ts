import { expect, test } from 'vitest';
import { type MeshStream } from '../shell/api';
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
