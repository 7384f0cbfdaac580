import { memo } from 'react';
import { type MeshNode } from '../shell/api';
import { useT } from '../shell/words';
import { NodeActs } from './NodeActs';
import { NodeBadge } from './NodeBadge';
import { useFigures } from './figures';
import styles from './ops.module.css';

interface Props {
  nodes: readonly MeshNode[];
  changed: () => Promise<void>;
}

/**
 * The nodes by name. On narrow screens a row is a card, whose figures name themselves; roles keep it a table to readers
 * there, too.
 */
export const Nodes = memo(function Nodes({ nodes, changed }: Props) {
  const t = useT();
  const columns = [
    'ops.node',
    'ops.status',
    'ops.region',
    'ops.load',
    'ops.viewers',
    'ops.streams',
    'ops.heard',
    'ops.version',
    'ops.decide',
  ] as const;
  return (
    <section aria-labelledby="nodes" className={styles['section']}>
      <h2 id="nodes">{t('ops.nodes')}</h2>
      {nodes.length === 0 ? (
        <p>
          {t('ops.nodes.none')} <code className="mono">freshet cluster token --role edge</code>
        </p>
      ) : (
        <table role="table" className={styles['nodes']} aria-labelledby="nodes">
          <thead role="rowgroup">
            <tr role="row">
              {columns.map(column => (
                <th key={column} role="columnheader" scope="col">
                  {t(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {nodes.map(node => (
              <NodeRow key={node.node} node={node} changed={changed} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
});

function NodeRow({ node, changed }: { node: MeshNode; changed: () => Promise<void> }) {
  const t = useT();
  const { number, share, short } = useFigures();
  const cell = (name: 'region' | 'load' | 'viewers' | 'streams' | 'heard' | 'version', value: string) => (
    <td role="cell" data-name={t(`ops.${name}`)}>
      {value}
    </td>
  );
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        <span className="mono">{node.node}</span>
        <span className="small muted">{t(`ops.role.${roleOf(node.role)}`)}</span>
      </th>
      <td role="cell">
        <NodeBadge node={node} />
      </td>
      {cell('region', node.region ?? '–')}
      {cell('load', share(node.load))}
      {cell('viewers', number(node.viewers))}
      {cell('streams', number(node.streams))}
      {cell('heard', node.heard < 0 ? t('ops.never') : t('ops.ago', { n: short(node.heard) }))}
      {cell('version', node.software ?? '–')}
      <td role="cell">
        <NodeActs
          name={node.node}
          role={node.role}
          admin={node.admin}
          viewers={node.viewers}
          streams={node.streams}
          changed={changed}
        />
      </td>
    </tr>
  );
}

function roleOf(role: string): 'control' | 'origin' | 'edge' {
  return role === 'control' || role === 'origin' ? role : 'edge';
}
