/** Where nodes and links stand on the map. */
import { type MeshNode, type MeshView } from '../shell/api';

export type Shape = 'control' | 'origin' | 'hub' | 'edge';

export interface Mark {
  node: MeshNode;
  shape: Shape;
  x: number;
  y: number;
  /** Where the node is, from which its mark was moved aside. */
  from: readonly [number, number];
  /** Of one that is alone, or of the first of a crowd, for all of it: text, and how far below the mark. */
  label?: { text: string; below: number };
}

export interface Line {
  key: string;
  a: Mark;
  b: Mark;
  kind: 'carries' | 'lossy' | 'cut' | 'standby';
  kbps: number;
}

/** From how many percent on a link is one that loses, as control's alerts have it. */
export const lossy = 3;

/** As far apart marks stand, in units of the drawing. */
export const gap = 20;

/** The nodes that have a place, by name; those that would lie on one another fan out around the first. */
export function marksOf(
  view: Pick<MeshView, 'nodes' | 'streams'>,
  project: (place: [number, number]) => [number, number] | null,
): Mark[] {
  const hubs = new Set(view.streams.flatMap(stream => stream.hubs.map(({ node }) => node)));
  const crowds: { at: [number, number]; members: { node: MeshNode; from: [number, number] }[] }[] = [];
  for (const node of view.nodes) {
    const from = node.lat === undefined || node.lon === undefined ? null : project([node.lon, node.lat]);
    if (!from) continue;
    const near = crowds.find(({ at: [x, y] }) => Math.hypot(x - from[0], y - from[1]) < gap);
    if (near) near.members.push({ node, from });
    else crowds.push({ at: from, members: [{ node, from }] });
  }
  return crowds.flatMap(({ at, members }) =>
    members.map(({ node, from }, i) => {
      const [dx, dy] = aside(i);
      const mark: Mark = { node, shape: shapeOf(node, hubs), x: at[0] + dx, y: at[1] + dy, from };
      if (i > 0) return mark;
      const text = members.length > 1 && node.region ? `${node.region} ${members.length}` : node.node;
      return { ...mark, label: { text, below: 18 + Math.hypot(...aside(members.length - 1)) } };
    }),
  );
}

/** How far the i-th of a crowd stands from its middle: six around one, twelve around those, and so on. */
export function aside(i: number): [number, number] {
  let ring = 0;
  let before = 0; // marks within this ring
  while (i >= before + Math.max(1, 6 * ring)) before += Math.max(1, 6 * ring++);
  if (ring === 0) return [0, 0];
  const angle = (2 * Math.PI * (i - before)) / (6 * ring) - Math.PI / 2;
  return [ring * gap * Math.cos(angle), ring * gap * Math.sin(angle)];
}

function shapeOf({ node, role }: MeshNode, hubs: ReadonlySet<string>): Shape {
  if (role === 'control' || role === 'origin') return role;
  return hubs.has(node) ? 'hub' : 'edge';
}

/** What streams pass between marks, and, where nothing does, from an origin to its standby. */
export function linesOf(view: Pick<MeshView, 'links' | 'streams'>, marks: readonly Mark[]): Line[] {
  const at = new Map(marks.map(mark => [mark.node.node, mark]));
  const lines = new Map<string, Line>();
  const add = (from: string, to: string, kind: Line['kind'], kbps: number) => {
    const [a, b, key] = [at.get(from), at.get(to), `${from} ${to}`];
    if (!a || !b || a === b || lines.has(key)) return;
    const dead = [a, b].some(({ node }) => node.status === 'failed');
    lines.set(key, { key, a, b, kind: dead && kind !== 'standby' ? 'cut' : kind, kbps });
  };
  for (const { a, b, kbps, lossPercent } of view.links)
    add(a, b, (lossPercent ?? 0) >= lossy ? 'lossy' : 'carries', kbps ?? 0);
  for (const { origin, standby } of view.streams) if (origin && standby) add(origin, standby, 'standby', 0);
  return [...lines.values()];
}

/** How wide a line is drawn: twice the rate, one step more. */
export const widthOf = (kbps: number): number => 1.5 + Math.log2(1 + kbps / 1000) / 1.5;
