import { memo } from 'react';
import { type MeshView } from '../shell/api';
import { type Key, useT } from '../shell/words';
import { useFigures } from './figures';
import styles from './ops.module.css';

const states: Record<string, Key> = {
  leader: 'ops.raft.leads',
  candidate: 'ops.raft.stands',
  follower: 'ops.raft.follows',
};

/** What control nodes agree on, and which of them answer. */
export const RaftCard = memo(function RaftCard({ view: { node, quorum } }: { view: MeshView }) {
  const t = useT();
  const { number } = useFigures();
  const rows = [
    ['ops.raft.leader', quorum.leader ?? t('ops.raft.none')],
    ['ops.raft.term', number(quorum.term)],
    ['ops.raft.commit', number(quorum.commit)],
    ['ops.raft.applied', number(quorum.applied)],
  ] as const;
  return (
    <section aria-labelledby="raft" className={styles['section']}>
      <h2 id="raft">{t('ops.raft')}</h2>
      <dl className={styles['figures']}>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{t(name)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <ul className={styles['peers']}>
        <li>
          <span className="mono">{node}</span>{' '}
          <span className="small muted">
            {t('ops.raft.self', { state: t(states[quorum.state] ?? 'ops.raft.follows') })}
          </span>
        </li>
        {quorum.peers.map(peer => (
          <li key={peer.node}>
            <span className="mono">{peer.node}</span>{' '}
            <span className="small muted">
              {[
                t(peer.answers ? 'ops.raft.answers' : 'ops.raft.silent'),
                t(peer.voter ? 'ops.raft.voter' : 'ops.raft.learner'),
                t('ops.raft.has', { n: number(peer.applied) }),
              ].join(' · ')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
});
