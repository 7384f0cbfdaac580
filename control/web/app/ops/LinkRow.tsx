import { type MeshLink } from '../shell/api';
import { useT } from '../shell/words';
import { useFigures } from './figures';

/** A link between two nodes, in figures. */
export function LinkRow({
  link: { a, b, rttMs, lossPercent, kbps, savedKbps, streams },
}: {
  link: MeshLink;
}) {
  const t = useT();
  const { short } = useFigures();
  const facts = [
    rttMs !== undefined && t('ops.hop.rtt', { n: short(rttMs) }),
    lossPercent !== undefined && t('ops.link.loss', { n: short(lossPercent) }),
    kbps !== undefined && t('ops.mbps', { n: short(kbps / 1000) }),
    t('ops.link.streams', { n: streams }),
    savedKbps !== undefined && t('ops.link.saved', { n: short(savedKbps / 1000) }),
  ].filter(fact => fact !== false);
  return (
    <li>
      <span className="mono">{a}</span> → <span className="mono">{b}</span>{' '}
      <span className="small muted">{facts.join(' · ')}</span>
    </li>
  );
}
