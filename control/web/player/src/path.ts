/** How the stream comes to the edge, as GET {session}/stats tells it. Pure. */
import { type Units } from './describe';
import { type Text } from './texts';

/** The relation under which an edge offers it. */
export const statsRelation = 'urn:ietf:params:whep:ext:freshet:stats';

/** One hop from node to node, as its lower end sees it; counts since the stream came there. */
export interface Hop {
  node: string;
  upstream: string;
  roundTripMS: number;
  rateBPS: number;
  /** What the link carries; 0 while nothing has shown its end. */
  roomBPS: number;
  lost: number;
  /** Of those, by the repair layer under the link. */
  repairedBelow: number;
  /** Packets asked for again by number, those that came, and those that will not. */
  missing: number;
  repaired: number;
  gone: number;
  late: number;
  /** Layers held back for want of room. */
  shed: number;
  switches: number;
}

/** More hops, or longer names, than any mesh has are not shown. */
const mostHops = 64;
const longestName = 256;

/** Reads the edge's answer, the origin's hop first; undefined where it is none. */
export function pathOf(body: unknown): Hop[] | undefined {
  if (body === null || typeof body !== 'object') return undefined;
  const { hops } = body as Record<string, unknown>;
  if (!Array.isArray(hops) || hops.length > mostHops) return undefined;
  return (hops as unknown[])
    .map(hop => (hop !== null && typeof hop === 'object' ? (hop as Record<string, unknown>) : {}))
    .map(hop => ({
      node: name(hop['node']),
      upstream: name(hop['upstream']),
      roundTripMS: count(hop['rtt_ms']),
      rateBPS: count(hop['rate_bps']),
      roomBPS: count(hop['room_bps']),
      lost: count(hop['lost']),
      repairedBelow: count(hop['repaired_below']),
      missing: count(hop['missing']),
      repaired: count(hop['repaired']),
      gone: count(hop['gone']),
      late: count(hop['late']),
      shed: count(hop['shed']),
      switches: count(hop['switches']),
    }));
}

function name(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, longestName) : '';
}

function count(value: unknown): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
}

/** The columns of the table after the hop's own name: heading, and the value for a hop. */
export function columnsOf(t: Text, u: Units): [string, (hop: Hop) => string][] {
  const none = t('figure.none');
  return [
    [t('figure.roundTrip'), hop => u.time(hop.roundTripMS)],
    [t('path.rate'), hop => u.bitrate(hop.rateBPS)],
    [t('path.room'), hop => (hop.roomBPS === 0 ? none : u.bitrate(hop.roomBPS))],
    [t('path.lost'), hop => u.count(hop.lost)],
    [t('path.repairedBelow'), hop => u.count(hop.repairedBelow)],
    [t('path.missing'), hop => u.count(hop.missing)],
    [t('path.repaired'), hop => u.count(hop.repaired)],
    [t('path.gone'), hop => u.count(hop.gone)],
    [t('path.late'), hop => u.count(hop.late)],
    [t('path.shed'), hop => u.count(hop.shed)],
    [t('path.switches'), hop => u.count(hop.switches)],
  ];
}

/** What a hop is called. */
export function hopName(hop: Hop): string {
  return `${hop.upstream} → ${hop.node}`;
}
