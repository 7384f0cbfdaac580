import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import coasts from 'world-atlas/land-110m.json';
import { type MeshView } from '../shell/api';
import { useT } from '../shell/words';
import { LinkRow } from './LinkRow';
import { NodeBadge } from './NodeBadge';
import { type Line, type Mark, type Shape, linesOf, marksOf, widthOf } from './marks';
import styles from './map.module.css';

const [width, height] = [960, 480];
const world = coasts as unknown as Topology<{ land: GeometryCollection }>;
const sphere = { type: 'Sphere' } as const;
const projection = geoNaturalEarth1().fitSize([width, height], sphere);
const drawn = geoPath(projection);
const land = drawn(feature(world, world.objects.land)) ?? '';
const sea = drawn(sphere) ?? '';

const shapes: Record<Shape, string> = {
  control: 'M-8 0 -4 -7 4 -7 8 0 4 7 -4 7Z',
  origin: 'M0 -9 9 0 0 9 -9 0Z',
  hub: 'M-7 -7H7V7H-7Z',
  edge: 'M-7 0A7 7 0 1 1 7 0A7 7 0 1 1 -7 0Z',
};

/** Nodes and links on the earth, and beside it the same as a list. */
export default function LiveMap({ view }: { view: MeshView }) {
  const t = useT();
  const marks = marksOf(view, projection);
  return (
    <div className={styles['both']}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        className={styles['map']}
        role="img"
        aria-label={t('ops.map.label', { nodes: marks.length, links: view.links.length })}
      >
        <path d={sea} className={styles['sea']} />
        <path d={land} className={styles['land']} />
        {linesOf(view, marks).map(line => (
          <LineShape key={line.key} line={line} />
        ))}
        {marks.map(({ node, from: [x, y], ...mark }) => (
          <line key={node.node} x1={x} y1={y} x2={mark.x} y2={mark.y} className={styles['leg']} />
        ))}
        {marks.map(mark => (
          <MarkShape key={mark.node.node} mark={mark} />
        ))}
      </svg>
      <Beside view={view} marks={marks} />
    </div>
  );
}

function LineShape({ line: { a, b, kind, kbps } }: { line: Line }) {
  return (
    <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} className={styles[kind]} strokeWidth={widthOf(kbps)}>
      <title>{`${a.node.node} – ${b.node.node}`}</title>
    </line>
  );
}

function MarkShape({ mark: { node, shape, x, y, label } }: { mark: Mark }) {
  const state = node.status === 'alive' && node.admin !== 'in' ? node.admin : node.status;
  return (
    <g className={styles[state]}>
      <path d={shapes[shape]} transform={`translate(${x} ${y})`} className={styles['mark']}>
        <title>{node.node}</title>
      </path>
      {node.status === 'failed' && (
        <path d="M-4 -4 4 4M-4 4 4 -4" transform={`translate(${x} ${y})`} className={styles['cross']} />
      )}
      {label && (
        <text x={x} y={y + label.below} className={styles['name']}>
          {label.text}
        </text>
      )}
    </g>
  );
}

/** What the map shows, for whoever cannot see it. */
function Beside({ view, marks }: { view: MeshView; marks: readonly Mark[] }) {
  const t = useT();
  const regions = new Map<string, Mark[]>();
  for (const mark of marks) {
    const name = mark.node.region ?? '–';
    regions.set(name, [...(regions.get(name) ?? []), mark]);
  }
  const shown = new Set(marks.map(({ node }) => node.node));
  const nowhere = view.nodes.filter(({ node }) => !shown.has(node)).map(({ node }) => node);
  return (
    <div className={styles['beside']} tabIndex={0} role="group" aria-label={t('ops.map.list')}>
      <ul>
        {[...regions].map(([region, here]) => (
          <li key={region}>
            <strong className="mono">{region}</strong>
            <ul>
              {here.map(({ node, shape }) => (
                <li key={node.node}>
                  <span className="mono">{node.node}</span>{' '}
                  <span className="small muted">
                    {t(shape === 'hub' ? 'ops.hop.hub' : `ops.role.${shape}`)}
                  </span>{' '}
                  <NodeBadge node={node} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {nowhere.length > 0 && <p className="small">{t('ops.map.nowhere', { nodes: nowhere.join(', ') })}</p>}
      <h3>{t('ops.links')}</h3>
      {view.links.length === 0 ? (
        <p className="small">{t('ops.links.none')}</p>
      ) : (
        <ul>
          {view.links.map(link => (
            <LinkRow key={`${link.a} ${link.b}`} link={link} />
          ))}
        </ul>
      )}
    </div>
  );
}
