import { memo } from 'react';
import { type MeshStream, type MeshView } from '../shell/api';
import { useT } from '../shell/words';
import { useFigures } from './figures';
import { type Branch, treeOf } from './tree';
import styles from './ops.module.css';

/** The streams that are placed, each with its way: origin, hubs, edges. */
export const Streams = memo(function Streams({ view }: { view: MeshView }) {
  const t = useT();
  return (
    <section aria-labelledby="streams" className={styles['section']}>
      <h2 id="streams">{t('ops.streams')}</h2>
      {view.streams.length === 0 ? (
        <p>{t('ops.streams.none')}</p>
      ) : (
        <ul className={styles['streams']}>
          {view.streams.map(stream => (
            <StreamCard key={stream.id} stream={stream} links={view.links} />
          ))}
        </ul>
      )}
    </section>
  );
});

function StreamCard({ stream, links }: { stream: MeshStream; links: MeshView['links'] }) {
  const t = useT();
  const { number } = useFigures();
  const { id, live, origin, standby, epoch, viewers } = stream;
  const facts = [
    t(live ? 'ops.stream.live' : 'ops.stream.waits'),
    origin === undefined ? t('ops.stream.nowhere') : t('ops.stream.origin', { node: origin }),
    standby !== undefined && t('ops.stream.standby', { node: standby }),
    t('ops.stream.epoch', { n: number(epoch) }),
    t('ops.affects', { n: viewers, shown: number(viewers) }),
  ].filter(fact => fact !== false);
  return (
    <li>
      <h3 className="mono">{id}</h3>
      <p className="small muted">{facts.join(' · ')}</p>
      <Hops branches={treeOf(stream, links)} name={t('ops.tree', { stream: id })} />
    </li>
  );
}

function Hops({ branches, name }: { branches: readonly Branch[]; name?: string }) {
  const t = useT();
  const { number, short } = useFigures();
  if (branches.length === 0) return null;
  return (
    <ul className={styles['tree']} aria-label={name}>
      {branches.map(({ hop, hub, rttMS, below }) => (
        <li key={hop.node}>
          <span className="mono">{hop.node}</span>{' '}
          <span className="small muted">
            {[
              hop.hops === 0 && t('ops.hop.origin'),
              hub && t('ops.hop.hub'),
              rttMS !== undefined && t('ops.hop.rtt', { n: short(rttMS) }),
              hop.lossPercent !== undefined && t('ops.link.loss', { n: short(hop.lossPercent) }),
              t('ops.affects', { n: hop.viewers, shown: number(hop.viewers) }),
              hop.kbps !== undefined && t('ops.mbps', { n: short(hop.kbps / 1000) }),
              hop.unwatched !== undefined &&
                t('ops.hop.saved', { n: hop.unwatched, mbps: short((hop.savedKbps ?? 0) / 1000) }),
              !hop.live && t('ops.hop.silent'),
            ]
              .filter(part => part !== false)
              .join(' · ')}
          </span>
          <Hops branches={below} />
        </li>
      ))}
    </ul>
  );
}
