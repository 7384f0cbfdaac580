/** The way of a stream through the mesh, as a tree. */
import { type MeshStream, type MeshView } from '../shell/api';

type Hop = MeshStream['hops'][number];

export interface Branch {
  hop: Hop;
  hub: boolean;
  /** From its upstream, in ms. */
  rttMS: number | undefined;
  below: Branch[];
}

/** Who carries stream, each below whom it has it from. Whose upstream says nothing stands on top, like the origin. */
export function treeOf(stream: MeshStream, links: MeshView['links']): Branch[] {
  const hubs = new Set(stream.hubs.map(({ node }) => node));
  const nodes = new Set(stream.hops.map(({ node }) => node));
  const seen = new Set<string>();
  const grow = (hop: Hop): Branch => {
    seen.add(hop.node);
    return {
      hop,
      hub: hubs.has(hop.node),
      rttMS: links.find(({ a, b }) => a === hop.upstream && b === hop.node)?.rttMs,
      below: stream.hops
        .filter(({ node, upstream }) => upstream === hop.node && !seen.has(node))
        .map(next => grow(next)),
    };
  };
  const tops = stream.hops.filter(({ upstream }) => upstream === undefined || !nodes.has(upstream)).map(grow);
  // While the way changes, two nodes may each name the other.
  for (const hop of stream.hops) if (!seen.has(hop.node)) tops.push(grow(hop));
  return tops;
}
